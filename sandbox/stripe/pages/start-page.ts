import type { Simulation } from '../simulation.ts';
import { apiVersion, eventTable } from '../state/events.ts';
import { escapeHtml, htmlPage, htmlTable } from './html.ts';

/** Rows of each list on the page. */
const rowsShown = 25;

/** The page at `/`: what is there, the newest requests, deliveries and events. */
export function renderStartPage(simulation: Simulation): string {
  const { account, deliveries, requests, resources } = simulation;
  const counts = deliveries.counts();
  const endpoints = [...resources.values()].flatMap((resource) =>
    resource.routes.map((route) => [resource.object, route.method, route.path]),
  );
  const events = account.table(eventTable).newestFirst();
  const newestEvents = Array.from({ length: rowsShown }, () => events.next().value).flatMap((event) =>
    event ? [[time(event.created * 1_000), event.type, event.id, String(event.awaiting.length)]] : [],
  );
  return htmlPage(
    'Stripe simulator',
    `<p>A stand-in for Stripe's API at version <code>${apiVersion}</code>. Use any key that starts with
<code>sk_test_</code>, and <code>${escapeHtml(account.publicUrl())}</code> as the API's address.
Its time is ${escapeHtml(time(account.clock.nowMs()))}; ${counts.queued + counts.inFlight} deliveries are under way,
${counts.scheduled} wait for their time, ${counts.held} are held back.</p>
<h2>Newest requests</h2>
${htmlTable(
  ['time', 'request', 'status', 'idempotency key', 'id'],
  requests
    .newest(rowsShown)
    .map((one) => [
      time(one.receivedAtMs),
      `${one.method} ${one.path}`,
      `${one.status ?? 'no answer'}${one.replayed ? ', replayed' : ''}${one.fault ? `, ${one.fault}` : ''}`,
      one.idempotencyKey ?? '',
      one.requestId,
    ]),
)}
<h2>Newest webhook deliveries</h2>
${htmlTable(
  ['time', 'event', 'endpoint', 'attempt', 'outcome'],
  deliveries.log
    .newest(rowsShown)
    .map((one) => [
      time(one.startedAtMs),
      `${one.eventType} ${one.eventId}`,
      one.endpointId,
      String(one.attempt),
      `${one.outcome} ${one.status ?? one.error ?? ''}`,
    ]),
)}
<h2>Newest events</h2>
${htmlTable(['time', 'type', 'id', 'endpoints still to answer'], newestEvents)}
<h2>What is there</h2>
${htmlTable(['object', 'method', 'path'], endpoints)}
`,
  );
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
