import { describe, expect, onTestFinished, test } from 'vitest';
import type { EventList } from '../../activities/reconcile-events.ts';
import { insertWebhookEvents } from '../../db/inbox.ts';
import { readCursor } from '../../db/reconcile.ts';
import { routeEvent } from '../../domain/webhook-event.ts';
import { useDatabase } from '../database.ts';
import { billingRows } from '../db/billing-rows.ts';
import { useStripe } from '../stripe/stripe-simulator.ts';
import { activityWorld } from './activity-world.ts';
import { fromNow } from './reconcile-run.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });
const { stripe, control, apiBase, customer, price, subscription } = await useStripe();
const SECOND_MS = 1000;
const DAY_S = 86_400;
let nowMs = Date.now();
const world = activityWorld({ database, stripe, now: () => new Date(nowMs) });
const pro = await price();

const listsOf = (began: number) => world.run(world.eventLists, { began });
async function readList({ from, ...list }: EventList, options: { began: number; isDryRun?: boolean }) {
  let missing = 0;
  for (let after: string | null = null; ; ) {
    const page: Awaited<ReturnType<typeof world.reconcileEvents>> = await world.run(world.reconcileEvents, {
      list,
      from,
      before: options.began + 1,
      after,
      dry_run: options.isDryRun ?? false,
    });
    missing += page.missing;
    if (!page.hasMore || page.last === null) return missing;
    after = page.last.id;
  }
}
/** The hourly half of a reconcile. @returns how many events were missing */
async function readEvents(options: { isDryRun?: boolean; began?: number } = {}): Promise<number> {
  const { began = fromNow(), isDryRun = false } = options;
  let missing = 0;
  for (const list of await listsOf(began)) missing += await readList(list, { began, isDryRun });
  if (!isDryRun) await world.run(world.moveEventCursor, { began });
  return missing;
}

/** A customer whose purchase nobody was told of. @returns its events that concern us, as Stripe has them */
async function unheardPurchase() {
  const made = await customer();
  await subscription(made.id, [{ price: pro.id, quantity: 3 }]);
  const { data } = await stripe.events.list({ limit: 100 });
  const own = data.filter((event) => {
    const routed = routeEvent(event, false);
    return routed?.status !== 'ignored' && routed?.subject === made.id;
  });
  return { customer: made.id, events: own };
}

async function inboxOf(subject: string) {
  const { rows: held } = await pool.query(
    `select stripe_event_id as id, source, status, payload, next_attempt_at <= now() as is_due, livemode
     from stripe_webhook_events where subject = $1 order by stripe_event_id`,
    [subject],
  );
  return held;
}
const idsOf = (events: readonly { id: string }[]) => events.map(({ id }) => id).sort();

describe('I1 I3 events that no delivery brought', () => {
  test('come into the inbox once, due at once, as Stripe has them', async () => {
    const unheard = await unheardPurchase();
    expect(unheard.events.length).toBeGreaterThan(1);
    await readEvents();
    const held = await inboxOf(unheard.customer);
    expect(held.map(({ id }) => id)).toEqual(idsOf(unheard.events));
    for (const row of held) {
      expect(row).toMatchObject({ source: 'reconcile', status: 'received', is_due: true, livemode: false });
      const answer = await fetch(`${apiBase}/v1/events/${row.id}`, {
        headers: { authorization: 'Bearer sk_test_1' },
      });
      expect(row.payload).toEqual(await answer.json());
    }
    expect(await readEvents()).toBe(0);
    expect(await inboxOf(unheard.customer)).toHaveLength(unheard.events.length);
  });

  test('I2 that are held already are not inserted again, and keep their source; the twin of a thin one neither', async () => {
    const unheard = await unheardPurchase();
    const [snapshot, thin] = unheard.events;
    if (snapshot === undefined || thin === undefined) throw new Error('the purchase has too few events');
    const routed = routeEvent(snapshot, false);
    const twin = routeEvent(
      {
        id: 'evt_thin',
        object: 'v2.core.event',
        type: `v1.${thin.type}`,
        created: new Date().toISOString(),
        livemode: false,
        related_object: { id: 'id' in thin.data.object ? thin.data.object.id : '' },
        snapshot_event: thin.id,
      },
      false,
    );
    if (routed === undefined || twin === undefined) throw new Error('an event is none');
    await insertWebhookEvents(pool, [
      { ...routed, payload: '{}' },
      { ...twin, payload: '{}' },
    ]);
    await readEvents();
    const { rows: sources } = await pool.query(
      'select stripe_event_id as id, source from stripe_webhook_events where stripe_event_id = any($1)',
      [idsOf(unheard.events)],
    );
    const delivered = sources.filter(({ source }) => source === 'webhook');
    expect(idsOf(delivered)).toEqual(idsOf([snapshot, thin]));
    expect(sources).toHaveLength(unheard.events.length);
  });

  test('a second run that reads the same pages at the same time inserts nothing twice', async () => {
    const unheard = await unheardPurchase();
    await Promise.all([readEvents(), readEvents()]);
    expect(idsOf(await inboxOf(unheard.customer))).toEqual(idsOf(unheard.events));
  });

  test('that are of no concern are not even asked for', async () => {
    await unheardPurchase();
    await readEvents();
    const { rows: found } = await pool.query(
      "select count(*)::int as count from stripe_webhook_events where status_reason = 'event_type'",
    );
    expect(found).toEqual([{ count: 0 }]);
  });

  test('a dry run tells how many there are and puts none into the inbox', async () => {
    const unheard = await unheardPurchase();
    const before = await readCursor(database, 'events');
    expect(await readEvents({ isDryRun: true })).toBeGreaterThanOrEqual(unheard.events.length);
    expect(await inboxOf(unheard.customer)).toEqual([]);
    expect(await readCursor(database, 'events')).toEqual(before);
  });

  test('their sync brings the customer in line', async () => {
    const made = await customer();
    const { tenant } = await rows.tenantWithCustomer({ stripe_customer_id: made.id });
    await subscription(made.id, [{ price: pro.id, quantity: 3 }]);
    await readEvents();
    const { processed } = await world.run(world.syncSubject, { subject: made.id, only_pending: true });
    expect(processed).toBeGreaterThan(0);
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 3 });
  });

  test('of the other mode are parked, as if they had been delivered', async () => {
    const live = activityWorld({ database, stripe, livemode: true });
    const unheard = await unheardPurchase();
    const began = fromNow();
    for (const { from, ...list } of await live.run(live.eventLists, { began }))
      await live.run(live.reconcileEvents, { list, from, before: began + 1, after: null, dry_run: false });
    for (const row of await inboxOf(unheard.customer)) expect(row).toMatchObject({ status: 'parked' });
  });
});

describe('the cursor', () => {
  test('moves only when all lists are read, and never back', async () => {
    const began = fromNow();
    await readEvents({ began });
    expect(await readCursor(database, 'events')).toEqual(new Date(began * SECOND_MS));
    const [first] = await listsOf(began + 60);
    if (first === undefined) throw new Error('there is no list');
    await readList(first, { began: began + 60 });
    expect(await readCursor(database, 'events')).toEqual(new Date(began * SECOND_MS));
    await readEvents({ began: began - 60 });
    expect(await readCursor(database, 'events')).toEqual(new Date(began * SECOND_MS));
  });

  test('overlaps what was read before: an event may be listed late', async () => {
    const began = fromNow();
    await readEvents({ began });
    const later = began + 3_600;
    const lists = await listsOf(later);
    const all = lists.filter((list) => !list.only_undelivered);
    for (const { from } of all) expect(from).toBe(began - 15 * 60);
  });

  test('I12 each request asks for no more types than Stripe takes, and together for all that concern us', async () => {
    const lists = (await listsOf(fromNow())).filter((list) => !list.only_undelivered);
    for (const { types } of lists) expect(types.length).toBeLessThanOrEqual(20);
    const types = lists.flatMap((list) => list.types);
    expect(new Set(types).size).toBe(types.length);
    expect(types).toContain('customer.subscription.updated');
    expect(types).toContain('price.deleted');
  });

  test('a first run reads all that Stripe still has, and not twice', async () => {
    await pool.query('delete from reconcile_cursors');
    const began = fromNow();
    const lists = await listsOf(began);
    expect(lists.map(({ from, only_undelivered }) => [from, only_undelivered])).toEqual(
      lists.map(() => [began - 30 * DAY_S, false]),
    );
  });
});

test('I3 an event that could not be delivered is found though it is older than the cursor', async () => {
  await control.configureDeliveries({ attemptsMax: 1 });
  const endpoint = await stripe.webhookEndpoints.create({
    url: 'http://127.0.0.1:9/',
    enabled_events: ['customer.updated'],
  });
  onTestFinished(async () => void (await stripe.webhookEndpoints.del(endpoint.id)));
  const made = await customer();
  await stripe.customers.update(made.id, { name: 'Undelivered Ltd' });
  await control.waitUntilIdle();
  const began = fromNow() + 3_600;
  await world.run(world.moveEventCursor, { began });
  await readEvents({ began: began + 60 });
  expect(await inboxOf(made.id)).not.toEqual([]);
});

test('only what is older than five minutes counts as not delivered: younger ones may be on their way', async () => {
  await pool.query('delete from reconcile_cursors');
  const count = async () =>
    Number(/tenantry_reconcile_events_found_total (\d+)/.exec(await world.metricsText())?.[1]);
  nowMs = Date.now();
  await readEvents();
  const before = await count();
  await unheardPurchase();
  await readEvents();
  expect(await count()).toBe(before);
  const unheard = await unheardPurchase();
  nowMs = Date.now() + 6 * 60 * SECOND_MS;
  await readEvents();
  expect(await count()).toBeGreaterThanOrEqual(before + unheard.events.length);
});
