import type { Resource } from '../resource.ts';
import type { Simulation } from '../simulation.ts';
import { causedByStripe, runStep } from '../state/transaction.ts';
import { html } from './html.ts';
import { consolePage, moment, table } from './layout.ts';
import { eventLink, linkedJson, objectLink } from './links.ts';
import { type ObjectKind, objectKinds } from './object-kinds.ts';

/** Objects on one page. */
const rowsShown = 50;

const back = html`<a href="/">Overview</a>`;

/** The newest objects of one kind. @param after the id after which the page begins */
export function renderObjectsPage(
  simulation: Simulation,
  kind: ObjectKind,
  after: string | undefined,
): string {
  const ids: string[] = [];
  for (const id of kind.ids(simulation.account, after === undefined ? {} : { olderThan: after })) {
    ids.push(id);
    if (ids.length > rowsShown) break;
  }
  const shown = ids.slice(0, rowsShown);
  const rows = shown.map((id) => {
    const object = findObject(simulation, kind.object, id);
    const link = kind.object === 'event' ? eventLink(id) : objectLink(kind.object, id);
    return [link, createdOf(object), descriptionOf(object)];
  });
  const last = shown.at(-1);
  return consolePage({
    title: kind.label,
    header: back,
    body: html`<section class="card">
${table(['id', 'created', ''], rows)}
${ids.length > rowsShown && html`<p><a href="?after=${last}">Older ones</a></p>`}
</section>`,
  });
}

/** One object as the API shows it; undefined when there is none. */
export function renderObjectPage(simulation: Simulation, object: string, id: string): string | undefined {
  const found = findObject(simulation, object, id);
  if (!found) return undefined;
  const kind = objectKinds.find((one) => one.object === object);
  return consolePage({
    title: id,
    header: html`${back}${kind && html`<a href="/objects/${object}">${kind.label}</a>`}`,
    body: html`<section class="card">${linkedJson(found)}</section>`,
  });
}

function findObject(simulation: Simulation, object: string, id: string): object | undefined {
  const resource: Resource | undefined = simulation.resources.get(object);
  return resource?.find && runStep(simulation.steps, causedByStripe, (tx) => resource.find?.(tx, id));
}

function createdOf(object: object | undefined) {
  return object && 'created' in object ? moment(Number(object.created) * 1_000) : '';
}

/** What tells one object from another at a glance. */
const telling = ['name', 'email', 'number', 'type', 'url', 'nickname', 'status', 'payment_status'];

function descriptionOf(object: object = {}): string {
  const properties: Readonly<Record<string, unknown>> = { ...object };
  const told = telling.map((name) => properties[name]).filter((value) => typeof value === 'string');
  return told.join(' · ');
}
