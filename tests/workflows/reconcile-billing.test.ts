import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { afterAll, expect, inject, test } from 'vitest';
import type { Activities, StripeActivities } from '../../activities/create-activities.ts';
import {
  type ReconcileBillingInput,
  type ReconcileBillingResult,
  SEARCH_ATTRIBUTES,
  stripeTaskQueue,
  WORKFLOW_TYPES,
} from '../../client/contract.ts';
import { timeSkippingEnvironment } from '../../sandbox/temporal/time-skipping-environment.ts';

/** Failures are part of what is tested. */
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
});

const environment = await timeSkippingEnvironment({
  searchAttributes: Object.values(SEARCH_ATTRIBUTES),
  log: () => undefined,
});
afterAll(() => environment.teardown());
const client: Client = environment.client;
const workflowBundle = { codePath: inject('workflowBundlePath') };

const SECOND_OF_FIRST_OBJECT = 1_400_000_000;
const SECONDS_BETWEEN = 3_600;
const PAGE = 100;
/** Kinds of events by the request that asks for them. */
const EVENT_LISTS = [
  { types: ['a'], only_undelivered: false, from: 1 },
  { types: ['b'], only_undelivered: true, from: 2 },
];

type Range = { from: number; before: number; after: string | null };

/** A list of Stripe's with an object every hour. */
function pageOf(objects: number, { from, before, after }: Range) {
  const secondOf = (index: number) => SECOND_OF_FIRST_OBJECT + index * SECONDS_BETWEEN;
  const start = after === null ? objects - 1 : Number(after) - 1;
  const ids: number[] = [];
  let hasMore = false;
  for (let index = start; index >= 0 && secondOf(index) >= from; index -= 1) {
    if (secondOf(index) >= before) continue;
    if (ids.length === PAGE) {
      hasMore = true;
      break;
    }
    ids.push(index);
  }
  const last = ids.at(-1);
  return {
    count: ids.length,
    last: last === undefined ? null : { id: String(last), createdS: secondOf(last) },
    hasMore,
    missing: 0,
  };
}

type Call = { activity: string; argument: Record<string, unknown>; run: string | undefined };

/** All that a run does, with activities that write down how they were called. */
function fakes(options: { subscriptions?: number; fails?: (call: Call) => boolean } = {}) {
  const calls: Call[] = [];
  const drifted = ['cus_1', 'cus_2', 'cus_3'];
  const answers: { [Name in keyof (Activities & StripeActivities)]?: (argument: never) => unknown } = {
    eventLists: () => EVENT_LISTS,
    moveEventCursor: () => undefined,
    wakeDueSubjects: () => ({ subjects: 0, woken: 0, failed_wakes: 0, retried_events: 0, parked_claimed: 0 }),
    beginReconcile: () => undefined,
    unlisted: ({ after, kind }: { after: string; kind: string }) => (after === '' ? [`${kind}_1`] : []),
    customersWithDrift: ({ after }: { after: string }) => (after === '' ? drifted : []),
    productsWithDrift: () => ['prod_1', 'prod_2'],
    reconcileTenants: () => ({ checked: 1, after: null }),
    endReconcile: () => ({ found: 3, standing: 1 }),
    reconcileEvents: (range: Range) => pageOf(1, range),
    reconcileSubscriptions: (range: Range) => pageOf(options.subscriptions ?? 1, range),
    reconcileInvoices: (range: Range) => pageOf(1, range),
    reconcileUnlisted: () => undefined,
    reconcilePrices: () => ({ count: 2, after: null }),
    repairCustomer: () => undefined,
    repairProduct: () => undefined,
  };
  const activities = Object.fromEntries(
    Object.entries(answers).map(([activity, answer]) => [
      activity,
      async (argument: Record<string, unknown> = {}) => {
        const call = { activity, argument, run: Context.current().info.workflowExecution?.runId };
        calls.push(call);
        if (options.fails?.(call)) throw ApplicationFailure.nonRetryable('no', 'DatabaseRefused');
        return answer(argument as never);
      },
    ]),
  );
  return { calls, activities, names: () => new Set(calls.map(({ activity }) => activity)) };
}

/** Runs a whole reconcile. */
async function reconcile(
  input: ReconcileBillingInput,
  { activities }: Pick<ReturnType<typeof fakes>, 'activities'>,
): Promise<ReconcileBillingResult> {
  const taskQueue = `queue-${crypto.randomUUID()}`;
  const connection = environment.nativeConnection;
  const main = await Worker.create({ connection, taskQueue, workflowBundle, activities });
  const stripe = await Worker.create({ connection, taskQueue: stripeTaskQueue(taskQueue), activities });
  return stripe.runUntil(
    main.runUntil(
      client.workflow.execute(WORKFLOW_TYPES.reconcileBilling, {
        workflowId: taskQueue,
        taskQueue,
        args: [input],
      }),
    ),
  );
}

test('I1 the cursor of events moves only when every list was read', async () => {
  const world = fakes();
  await reconcile({}, world);
  const names = world.calls.map(({ activity }) => activity);
  expect(names.filter((name) => name === 'reconcileEvents')).toHaveLength(EVENT_LISTS.length);
  expect(names.indexOf('moveEventCursor')).toBeGreaterThan(names.lastIndexOf('reconcileEvents'));
  const refused = fakes({
    fails: ({ argument }) => (argument.list as { types?: string[] })?.types?.[0] === 'b',
  });
  await expect(reconcile({}, refused)).rejects.toThrow();
  expect(refused.names()).not.toContain('moveEventCursor');
});

test('a whole run looks at everything, repairs, and ends by itself with its figures', async () => {
  const world = fakes();
  expect(await reconcile({}, world)).toEqual({
    events_checked: 2,
    events_missing: 0,
    subscriptions_checked: 1,
    invoices_checked: 1,
    tenants_checked: 1,
    products_checked: 2,
    drift_found: 3,
    drift_repaired: 2,
    drift_left: 1,
    listing: expect.stringMatching(/^reconcile\//),
  });
  const read = world.calls.filter(({ activity }) => activity === 'reconcileUnlisted');
  expect(read.map(({ argument }) => argument.id)).toEqual(['subscription_1', 'invoice_1', 'customer_1']);
  // Once for what was listed, once for what follows from it.
  expect(world.calls.filter(({ activity }) => activity === 'repairCustomer')).toHaveLength(6);
  expect(world.calls.at(-1)).toMatchObject({ activity: 'endReconcile', argument: { closes: true } });
});

test('a dry run repairs nothing, closes nothing and moves no cursor', async () => {
  const world = fakes();
  await reconcile({ dry_run: true }, world);
  for (const name of ['repairCustomer', 'repairProduct', 'moveEventCursor', 'wakeDueSubjects'])
    expect(world.names()).not.toContain(name);
  expect(world.calls.find(({ activity }) => activity === 'reconcileEvents')?.argument).toMatchObject({
    dry_run: true,
  });
  expect(world.calls.at(-1)).toMatchObject({ activity: 'endReconcile', argument: { closes: false } });
});

test('a run of events alone looks at nothing else, and closes no drift that it did not look for', async () => {
  const world = fakes();
  await reconcile({ only: 'events' }, world);
  expect(world.names()).toEqual(
    new Set(['eventLists', 'reconcileEvents', 'moveEventCursor', 'endReconcile']),
  );
  expect(world.calls.at(-1)).toMatchObject({ argument: { closes: false } });
});

test('a run without events reads none', async () => {
  const world = fakes();
  await reconcile({ only: 'subscriptions' }, world);
  for (const name of ['eventLists', 'reconcileEvents', 'moveEventCursor'])
    expect(world.names()).not.toContain(name);
});

test('a customer and a product whose repair fails for good keep no others from theirs', async () => {
  const world = fakes({
    fails: ({ argument }) => argument.customer === 'cus_1' || argument.product === 'prod_1',
  });
  await reconcile({}, world);
  const repaired = world.calls.filter(({ activity }) => activity.startsWith('repair'));
  expect(new Set(repaired.map(({ argument }) => argument.customer ?? argument.product))).toEqual(
    new Set(['cus_1', 'cus_2', 'cus_3', 'prod_1', 'prod_2']),
  );
  expect(world.names()).toContain('endReconcile');
});

test('I4 I12 a list of more than a thousand pages goes on in a new run, each page read once', async () => {
  const subscriptions = 101_000;
  const world = fakes({ subscriptions });
  const result = await reconcile({ only: 'subscriptions' }, world);
  expect(result.subscriptions_checked).toBe(subscriptions);
  expect(world.calls.filter(({ activity }) => activity === 'beginReconcile')).toHaveLength(1);
  const pages = world.calls.filter(({ activity }) => activity === 'reconcileSubscriptions');
  expect(new Set(pages.map(({ run }) => run)).size).toBe(2);
  expect(new Set(pages.map(({ argument }) => argument.listing))).toEqual(new Set([result.listing]));
  expect(pages.length).toBeLessThan((1.1 * subscriptions) / PAGE);
}, 120_000);
