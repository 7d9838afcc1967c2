import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, madeOnce } from '../../processes/made-once.ts';
import { type Log, logToStderr, withProgress } from '../../processes/progress.ts';
import {
  bareSchema,
  mapValues,
  type OpenApiDocument,
  type OpenApiOperation,
  referredName,
  type Schema,
} from './openapi.ts';
import { stripeMockSources, stripeMockVersion } from './stripe-mock-module.ts';

/** Counts changes of `Specification`, so that a digest made before one is not read after it. */
const layout = 1;

/** What Stripe publishes about its API, without its texts. */
export interface Specification {
  /** Such as `2026-08-26.dahlia`. */
  readonly version: string;
  /** By name, such as `subscription` or `deleted_customer`. */
  readonly schemas: Readonly<Record<string, Schema>>;
  /** By `endpointKey`. */
  readonly endpoints: Readonly<Record<string, Endpoint>>;
  /** The name of the schema of what an event is about, by event type. */
  readonly eventObjects: Readonly<Record<string, string>>;
}

export interface Endpoint {
  /** Everything it takes, in query and body, as one hash; `expand` too. */
  readonly parameters: Schema;
  /** The body of a 200. */
  readonly answer: Schema;
}

/** `POST /v1/customers/*`: the names that a path gives its ids differ between the specification and us. */
export function endpointKey(method: string, path: string): string {
  return `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}|:\w+/g, '*')}`;
}

let read: Promise<Specification> | undefined;

/**
 * The specification that comes with the pinned stripe-mock, read once per process. The first process on a machine
 * takes it out of the Go module and keeps a digest in the user's cache folder, a third as long.
 * @throws Error where neither the digest nor Go is there
 */
export function readSpecification(log: Log = logToStderr): Promise<Specification> {
  read ??= load(log);
  return read;
}

async function load(log: Log): Promise<Specification> {
  const target = join(cacheFolder(), `stripe-specification-${stripeMockVersion()}-${layout}.json`);
  const doing = 'stripe: reading the specification out of its Go module (once on this machine)';
  await madeOnce({
    target,
    log,
    make: (path) => withProgress({ log, doing }, async () => writeFile(path, JSON.stringify(await digest()))),
  });
  return JSON.parse(await readFile(target, 'utf8'));
}

async function digest(): Promise<Specification> {
  const folder = join(await stripeMockSources(), 'embedded', 'openapi');
  const document: OpenApiDocument = JSON.parse(await readFile(join(folder, 'spec3.json'), 'utf8'));
  // Which object an event type is about stands only in the preview of the same day.
  const preview: OpenApiDocument = JSON.parse(await readFile(join(folder, 'spec3.beta.sdk.json'), 'utf8'));
  return {
    version: document.info.version,
    schemas: mapValues(document.components.schemas, bareSchema),
    endpoints: endpointsOf(document),
    eventObjects: eventObjectsOf(preview),
  };
}

function endpointsOf(document: OpenApiDocument): Record<string, Endpoint> {
  const all = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => [
      endpointKey(method, path),
      { parameters: parametersOf(operation), answer: answerOf(operation) },
    ]),
  );
  return Object.fromEntries(all);
}

function parametersOf(operation: OpenApiOperation): Schema {
  const query = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
  const [body] = Object.values(operation.requestBody?.content ?? {});
  return bareSchema({
    type: 'object',
    properties: {
      ...Object.fromEntries(query.map(({ name, schema }) => [name, schema])),
      ...body?.schema.properties,
    },
    required: [
      ...query.filter(({ required }) => required).map(({ name }) => name),
      ...(body?.schema.required ?? []),
    ],
  });
}

function answerOf(operation: OpenApiOperation): Schema {
  return bareSchema(operation.responses['200']?.content['application/json']?.schema ?? {});
}

function eventObjectsOf(preview: OpenApiDocument): Record<string, string> {
  const named: Record<string, string> = {};
  for (const schema of Object.values(preview.components.schemas)) {
    const type = schema['x-stripeEvent']?.type;
    const ref = schema.properties?.object?.$ref;
    if (type !== undefined && ref !== undefined) named[type] = referredName(ref);
  }
  return named;
}
