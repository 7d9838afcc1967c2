import type { Simulation } from '../simulation.ts';
import { apiVersion, type EventRecord, eventTable } from '../state/events.ts';
import { testClockTable } from '../state/test-clocks.ts';
import { outcomeOf } from './event-page.ts';
import { gettingStarted } from './getting-started.ts';
import { type Html, html } from './html.ts';
import { clockTime, consolePage, moment, table } from './layout.ts';
import { eventLink, objectLink, requestLink } from './links.ts';
import { objectKinds } from './object-kinds.ts';
import { statusOf } from './request-page.ts';

/** Rows of each list on the page. */
const rowsShown = 25;
const refreshSeconds = 5;

/** The page at `/`: what is there, the newest requests, deliveries and events. */
export function renderStartPage(simulation: Simulation, options: { isStill: boolean }): string {
  const { account } = simulation;
  const { isStill } = options;
  const isFresh = account.table(eventTable).size === 0;
  return consolePage({
    title: 'Stripe simulator',
    header: html`<span class="soft">API version ${apiVersion} · its time is ${moment(account.clock.nowMs())} UTC</span>
${isStill ? html`<a href="/">Refresh every ${refreshSeconds} s</a>` : html`<a href="/?still">Stop refreshing</a>`}`,
    refreshSeconds: isStill ? undefined : refreshSeconds,
    body: html`${gettingStarted({ url: account.publicUrl(), isOpen: isFresh })}
${kinds(simulation)}
${clocks(simulation)}
<section class="card"><h2>Newest requests</h2>${requests(simulation)}</section>
<div class="columns">
<section class="card"><h2>Newest events</h2>${events(simulation)}</section>
<section class="card"><h2>Newest deliveries</h2>${underWay(simulation)}${attempts(simulation)}</section>
</div>`,
  });
}

function kinds({ account }: Simulation): Html {
  const counted = objectKinds.map((kind) => ({ ...kind, count: kind.count(account) }));
  const present = counted.filter(({ count }) => count > 0);
  return html`<section class="card"><h2>What is there</h2>
<div class="kinds">${present.map(({ count, label, object }) => html`<a href="/objects/${object}">${label}<b>${count}</b></a>`)}
${present.length === 0 && html`<span class="soft">Nothing yet.</span>`}</div></section>`;
}

function clocks({ account }: Simulation): Html | null {
  const rows = [...account.table(testClockTable).newestFirst()]
    .slice(0, rowsShown)
    .map((clock) => [
      objectLink('test_helpers.test_clock', clock.id),
      clock.name,
      moment(clock.frozen_time * 1_000),
      clock.status,
    ]);
  if (rows.length === 0) return null;
  return html`<section class="card"><h2>Test clocks</h2>${table(['clock', 'name', 'its time', 'status'], rows)}</section>`;
}

function requests({ requests: log }: Simulation): Html {
  return table(
    ['time', 'request', 'answer', 'idempotency key'],
    log
      .newest(rowsShown)
      .map((one) => [
        clockTime(one.receivedAtMs),
        requestLink(one.requestId, `${one.method} ${one.path}`),
        statusOf(one),
        html`<span class="mono soft">${one.idempotencyKey}</span>`,
      ]),
  );
}

function events({ account }: Simulation): Html {
  const newest: EventRecord[] = [];
  for (const event of account.table(eventTable).newestFirst()) {
    newest.push(event);
    if (newest.length === rowsShown) break;
  }
  return table(
    ['time', 'event', ''],
    newest.map((event) => [
      clockTime(event.created * 1_000),
      eventLink(event.id, event.type),
      event.awaiting.length > 0 && html`<span class="tag warn">${event.awaiting.length} to answer</span>`,
    ]),
  );
}

function underWay({ deliveries }: Simulation): Html | null {
  const { held, inFlight, queued, scheduled } = deliveries.counts();
  if (held + inFlight + queued + scheduled === 0) return null;
  return html`<p class="soft">${queued + inFlight} under way, ${scheduled} wait for their time, ${held} are held back.</p>`;
}

function attempts({ deliveries }: Simulation): Html {
  return table(
    ['time', 'event', 'attempt', 'outcome'],
    deliveries.log
      .newest(rowsShown)
      .map((one) => [
        clockTime(one.startedAtMs),
        eventLink(one.eventId, one.eventType),
        one.attempt,
        outcomeOf(one),
      ]),
  );
}
