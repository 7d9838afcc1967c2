import type { ReceivedRequest } from '../api/request-log.ts';
import type { Simulation } from '../simulation.ts';
import { type EventRecord, eventTable } from '../state/events.ts';
import { type HtmlValue, html } from './html.ts';
import { consolePage, facts, moment, table } from './layout.ts';
import { eventLink, linkedJson } from './links.ts';

/** Newest events that are searched for those of a request. */
const eventsSearchedMax = 5_000;

/** One request with its parameters, what became of it, and the events that it caused; undefined when not known. */
export function renderRequestPage(simulation: Simulation, id: string): string | undefined {
  const request = simulation.requests.all().findLast(({ requestId }) => requestId === id);
  if (!request) return undefined;
  const events = eventsOf(simulation, id).map((event) => [eventLink(event.id), event.type]);
  return consolePage({
    title: `${request.method} ${request.path}`,
    header: html`<a href="/">Overview</a>`,
    body: html`<section class="card">${facts([
      ['Request', html`<span class="mono">${id}</span>`],
      ['Received', moment(request.receivedAtMs)],
      ['Answer', statusOf(request)],
      ['Idempotency key', request.idempotencyKey ?? 'none'],
      ['Stripe-Version', request.stripeVersion ?? 'none'],
      ['Stripe-Account', request.stripeAccount ?? 'none'],
      ['Made because of', request.trigger ?? 'nothing that it says'],
    ])}</section>
<section class="card"><h2>Parameters</h2>${linkedJson(request.parameters)}</section>
<section class="card"><h2>Events that it caused</h2>${table(['event', 'type'], events)}</section>`,
  });
}

/** How a request was answered, in one word or a few. */
export function statusOf({ fault, replayed, status }: ReceivedRequest): HtmlValue {
  const kind = status === null ? 'warn' : status < 400 ? 'good' : status < 500 ? 'warn' : 'bad';
  return html`<span class="${kind}">${status ?? 'no answer'}</span>
${replayed && html`<span class="tag soft">replayed</span>`} ${fault !== null && html`<span class="tag bad">${fault}</span>`}`;
}

function eventsOf({ account }: Simulation, requestId: string): EventRecord[] {
  const found: EventRecord[] = [];
  let searched = 0;
  for (const event of account.table(eventTable).newestFirst()) {
    if (++searched > eventsSearchedMax) break;
    if (event.request.id === requestId) found.push(event);
  }
  return found.reverse();
}
