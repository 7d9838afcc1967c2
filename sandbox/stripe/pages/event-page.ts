import type { Simulation } from '../simulation.ts';
import { eventTable, renderEvent } from '../state/events.ts';
import type { DeliveryAttempt } from '../webhooks/delivery-log.ts';
import { type Html, html } from './html.ts';
import { consolePage, facts, moment, table } from './layout.ts';
import { linkedJson, objectLink, requestLink } from './links.ts';

/** One event with what was delivered of it; undefined when it is not known. */
export function renderEventPage({ account, deliveries }: Simulation, id: string): string | undefined {
  const event = account.table(eventTable).get(id);
  if (!event) return undefined;
  const attempts = deliveries.log.all().filter(({ eventId }) => eventId === id);
  const rows = attempts.map((attempt) => [
    moment(attempt.startedAtMs),
    objectLink('webhook_endpoint', attempt.endpointId),
    attempt.attempt,
    outcomeOf(attempt),
    `${attempt.durationMs} ms`,
  ]);
  return consolePage({
    title: event.type,
    header: html`<a href="/">Overview</a>`,
    body: html`<section class="card">${facts([
      ['Event', html`<span class="mono">${id}</span>`],
      ['Created', moment(event.created * 1_000)],
      ['Caused by', event.request.id === null ? 'Stripe itself' : requestLink(event.request.id)],
      ['Still to be acknowledged by', event.awaiting.length === 0 ? 'nobody' : event.awaiting.join(', ')],
    ])}</section>
<section class="card"><h2>Deliveries</h2>${table(['time', 'endpoint', 'attempt', 'outcome', 'took'], rows)}</section>
<section class="card"><h2>What is sent</h2>${linkedJson(renderEvent(event))}</section>`,
  });
}

/** How a delivery ended. */
export function outcomeOf({ error, outcome, status }: DeliveryAttempt): Html {
  return html`<span class="${outcome === 'delivered' ? 'good' : 'bad'}">${outcome}</span> ${status ?? error}`;
}
