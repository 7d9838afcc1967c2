import type { Resource, Route } from '../../../../sandbox/stripe/resource.ts';
import { referredName, type Schema } from '../../../../sandbox/stripe/specification/openapi.ts';
import { endpointKey, type Specification } from '../../../../sandbox/stripe/specification/specification.ts';
import type { Exception } from './deviations.ts';
import { compareParameters } from './parameters.ts';

/** What the tables are made of. */
export interface TableSources {
  readonly resources: readonly Resource[];
  readonly specification: Specification;
  readonly exceptions: readonly Exception[];
}

const answerWords = { unknown: 'more', missing: 'less', value: 'other' } as const;
const parameterWords = {
  unknown: (parameter: string) => `takes ${parameter}`,
  missing: (parameter: string) => `requires ${parameter}`,
  value: (parameter: string) => `${parameter} takes other values`,
} as const;

/** The section of docs/simulator.md about endpoints, as Markdown, without its heading. */
export function endpointSection(sources: TableSources): string {
  const { resources, specification, exceptions } = sources;
  const rows = resources.flatMap((resource) =>
    resource.routes.map((route) => rowOf(sources, resource, route)),
  );
  const untaken = resources
    .flatMap(({ routes }) => routes)
    .map((route) => [`\`${titleOf(route)}\``, listOf(untakenOf(sources, route))] as const)
    .filter(([, list]) => list !== '');
  return `
Every answer, event and parameter is held against the OpenAPI specification that Stripe publishes (\`${specification.version}\`), by
each test of the simulator and by \`tests/sandbox/stripe/conformance/conformance.test.ts\`, which also sends every parameter to
Stripe's own stripe-mock. What differs is the list of exceptions below, and nothing else.

Conformance: the specification's schema that the answer has, and how many of the parameters are taken, nested ones too. Any
other is refused with \`parameter_unknown\`, also one that Stripe would take: a known difference of every endpoint
with a line in the second table.

${tableOf(['endpoint', 'state kept', 'conformance', 'known differences'], rows)}

<details><summary>Parameters of the specification that are not taken</summary>

${tableOf(['endpoint', 'parameters'], untaken)}

</details>

<details><summary>Exceptions: where the simulator differs from the specification, and why</summary>

\`more\`: the specification does not know it; \`less\`: the specification always has it; \`required\`: the specification lets it be
left out; \`other\`: other values than there. A parameter stands behind \`?\`, every id in a path is \`*\`.

${tableOf(
  ['where', 'what', 'reason'],
  exceptions.map(({ where, what, reason }) => [
    `\`${where}\``,
    what === 'missing' && where.includes('?') ? 'required' : answerWords[what],
    reason,
  ]),
)}

</details>
`;
}

function rowOf(sources: TableSources, resource: Resource, route: Route): readonly string[] {
  const keeps = resource.routes[0] === route ? (resource.keeps ?? '') : '';
  return [`\`${titleOf(route)}\``, keeps, conformanceOf(sources, route), differencesOf(sources, route)];
}

function conformanceOf({ specification }: TableSources, route: Route): string {
  const endpoint = specification.endpoints[endpointKey(route.method, route.path)];
  if (!endpoint) return 'not in the specification';
  const { taken, untaken } = compareParameters(route, endpoint);
  const all = taken.length + untaken.length;
  const names = answeredBy(endpoint.answer).map((name) => `\`${name}\``);
  return [names.join(' or '), ...(all === 0 ? [] : [`${taken.length} of ${all} parameters`])].join(', ');
}

/** What the resource says itself, then the exceptions about parameters; those about answers stand in their own table. */
function differencesOf({ exceptions }: TableSources, route: Route): string {
  const start = `${endpointKey(route.method, route.path)}?`;
  const excepted = exceptions
    .filter(({ where }) => where.startsWith(start))
    .map(({ where, what }) => parameterWords[what](`\`${where.slice(start.length)}\``));
  return [...(route.differs === undefined ? [] : [route.differs]), ...excepted].join('; ');
}

/** The names of the schemas of the objects that an answer holds. */
function answeredBy(answer: Schema): readonly string[] {
  const items = answer.properties?.data?.items;
  if (items) return answeredBy(items);
  return (answer.anyOf ?? [answer]).flatMap(({ $ref }) => ($ref === undefined ? [] : [referredName($ref)]));
}

function untakenOf({ specification }: TableSources, route: Route): readonly string[] {
  const endpoint = specification.endpoints[endpointKey(route.method, route.path)];
  return endpoint ? compareParameters(route, endpoint).untaken : [];
}

function titleOf({ method, path }: Route): string {
  return `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`;
}

/** Those of a hash stand together behind its name. */
function listOf(parameters: readonly string[]): string {
  const byHash = new Map<string, string[]>();
  for (const parameter of parameters) {
    const cut = parameter.lastIndexOf('.') + 1;
    const hash = parameter.slice(0, cut);
    byHash.set(hash, [...(byHash.get(hash) ?? []), parameter.slice(cut)]);
  }
  const groups = [...byHash].map(
    ([hash, names]) => `${hash}${names.length > 1 && hash ? `(${names.join(', ')})` : names.join(', ')}`,
  );
  return groups.map((group) => `\`${group}\``).join(', ');
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
