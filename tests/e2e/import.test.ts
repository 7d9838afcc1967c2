import type { WorkflowHandle } from '@temporalio/client';
import type Stripe from 'stripe';
import { expect, test } from 'vitest';
import { startImport } from '../../client/bulk-runs.ts';
import {
  DEFAULT_TASK_QUEUE,
  IMPORT_UPDATES,
  type ImportCustomersInput,
  type ImportCustomersResult,
  type ImportProgress,
  QUERIES,
} from '../../client/contract.ts';
import { until, useSystem } from './system.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Customers are made over so many days, so that there is something to part. */
const DAYS = 6;
const REQUESTS_AT_ONCE = 12;
const ORDER = { actor: 'ada', reason: 'the test changes things meanwhile' };
/** Of each kind; 310 customers altogether. */
const BY_EMAIL = 150;
const BY_METADATA = 50;
const MISSING = 15;
const UNPAID_FOR = 15;
const CONFLICTING_PAIRS = 10;
const NAMING_NOBODY = 10;
const DELETED = 10;
const ENDED = 15;
const KNOWN = 20;
const SILENT = 5;

const system = await useSystem({ STRIPE_MAX_REQUESTS_PER_SECOND: '60' });
const { stripe, simulator, licensePriceId } = system;
const { control } = simulator;
const otherPrice = await stripe.prices.create({
  product_data: { name: 'Seats of something else' },
  currency: 'usd',
  unit_amount: 500,
  recurring: { interval: 'month' },
});

type Kind =
  | 'by_email'
  | 'by_metadata'
  | 'missing'
  | 'unpaid_for'
  | 'conflicting'
  | 'naming_nobody'
  | 'deleted'
  | 'ended'
  | 'known'
  | 'silent';
type Subscriber = { kind: Kind; number: number; customer: string; subscription: Stripe.Subscription };

async function tenantOf(email: string): Promise<string> {
  const [row] = await system.query<{ tenant: string }>(
    'insert into tenants (client_name, email) values ($1, $1) returning tenant',
    [email],
  );
  return row?.tenant ?? '';
}

/** A customer as it stands in Stripe before tenantry is there, and its tenant, if it has one. */
async function subscriber(kind: Kind, number: number): Promise<Subscriber> {
  const email =
    kind === 'conflicting' ? `pair-${Math.floor(number / 2)}@example.com` : `${kind}-${number}@example.com`;
  const hasTenant = ['by_email', 'by_metadata', 'ended', 'deleted', 'known'].includes(kind);
  // The e-mails of tenants and customers differ by case.
  const tenant = hasTenant
    ? await tenantOf(kind === 'by_metadata' ? `elsewhere-${number}@example.com` : email)
    : '';
  if (kind === 'conflicting' && number % 2 === 0) await tenantOf(email);
  const metadata = { by_metadata: { tenant_id: tenant }, naming_nobody: { tenant_id: 'nobody' } };
  const customer = await stripe.customers.create({
    name: `Customer ${kind} ${number}`,
    ...(kind !== 'silent' && { email: number % 3 === 0 ? email.toUpperCase() : email }),
    metadata: kind === 'by_metadata' || kind === 'naming_nobody' ? metadata[kind] : {},
  });
  const buy = (price: string, quantity: number) =>
    stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price, quantity }],
      trial_end: Math.floor((Date.now() + 365 * DAY_MS) / 1000),
    });
  const subscription = await buy(kind === 'unpaid_for' ? otherPrice.id : licensePriceId, (number % 20) + 1);
  if (kind === 'by_email' && number % 10 === 0) await buy(otherPrice.id, 2);
  if (kind === 'by_metadata' && number % 10 === 0) await buy(licensePriceId, 30);
  if (kind === 'ended') await stripe.subscriptions.cancel(subscription.id);
  if (kind === 'deleted') await stripe.customers.del(customer.id);
  if (kind === 'known') {
    await system.query(
      `insert into stripe_customers (tenant, stripe_customer_external_id, billing_tenant, email)
       select $1, $2, tenant, $3 from tenants where tenant = $4`,
      [tenant, customer.id, email, system.env.MASTER_BILLING_TENANT_ID],
    );
  }
  return { kind, number, customer: customer.id, subscription };
}

/** Everybody, without a webhook of it. */
async function fill(): Promise<Subscriber[]> {
  const kinds: Record<Kind, number> = {
    by_email: BY_EMAIL,
    by_metadata: BY_METADATA,
    missing: MISSING,
    unpaid_for: UNPAID_FOR,
    conflicting: 2 * CONFLICTING_PAIRS,
    naming_nobody: NAMING_NOBODY,
    deleted: DELETED,
    ended: ENDED,
    known: KNOWN,
    silent: SILENT,
  };
  const all = Object.entries(kinds).flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, number) => ({ kind: kind as Kind, number })),
  );
  const [endpoint] = (await stripe.webhookEndpoints.list()).data;
  const hear = (disabled: boolean) => stripe.webhookEndpoints.update(endpoint?.id ?? '', { disabled });
  await hear(true);
  const made: Subscriber[] = [];
  for (let day = 0; day < DAYS; day += 1) {
    await control.setTimeOffset((day - DAYS) * DAY_MS);
    const queue = all.filter((_, index) => index % DAYS === day);
    const drain = async () => {
      for (let next = queue.shift(); next; next = queue.shift())
        made.push(await subscriber(next.kind, next.number));
    };
    await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, drain));
  }
  await control.setTimeOffset(0);
  await hear(false);
  return made;
}

type Run = WorkflowHandle<(input: ImportCustomersInput) => Promise<ImportCustomersResult>>;

async function importAll(input: ImportCustomersInput): Promise<Run> {
  const { workflowId, runId, joined } = await startImport(system.client, {
    input,
    taskQueue: DEFAULT_TASK_QUEUE,
  });
  expect(joined).toBe(false);
  return system.client.workflow.getHandle(workflowId, runId);
}

/** While the worker is away nobody answers. */
const progressOf = (run: Run) => run.query<ImportProgress>(QUERIES.progress).catch(() => null);

async function killWorker(): Promise<void> {
  system.worker.kill('SIGKILL');
  await system.worker.exited;
  await system.worker.restart();
}

/** Nothing is under way any more: no delivery, no event. */
async function quiet(): Promise<void> {
  await control.waitUntilIdle();
  await until('no event waits', async () => {
    const [row] = await system.query<{ count: number }>(
      "select count(*)::int as count from stripe_webhook_events where status = 'received'",
    );
    return row?.count === 0;
  });
}

async function allOfStripe(): Promise<Stripe.Subscription[]> {
  return stripe.subscriptions.list({ status: 'all', limit: 100 }).autoPagingToArray({ limit: 10_000 });
}

/** Each subscription that has a row, as id, status and quantity. */
async function rowsOfSubscriptions(): Promise<string[]> {
  const rows = await system.query<{ row: string }>(
    `select concat_ws(' ', stripe_subscription_external_id, status, quantity) as row from stripe_subscriptions`,
  );
  return rows.map(({ row }) => row).sort();
}

/** Which version of each row stands in the tables: equal before and after means that nothing was written. */
async function fingerprint(): Promise<string[]> {
  const tables = [
    'tenants',
    'stripe_customers',
    'stripe_subscriptions',
    'stripe_subscription_items',
    'stripe_products',
    'stripe_prices',
    'notifications',
  ];
  const texts = tables.map(
    (table) => `select '${table} ' || ctid::text || ' ' || xmin::text as row from ${table}`,
  );
  const rows = await system.query<{ row: string }>(texts.join(' union all '));
  return rows.map(({ row }) => row).sort();
}

test('I4, I6: an import whose worker is killed twice and whose Temporal crashes links every customer once, makes each missing tenant once, and leaves what live webhooks wrote; run again it writes nothing', async () => {
  const made = await fill();
  const of = (kind: Kind) => made.filter((each) => each.kind === kind);
  await control.injectFault({
    kind: 'cut_body',
    method: 'GET',
    path: '/v1/subscriptions',
    after: 1,
    times: 4,
  });
  await control.injectFault({
    kind: 'rate_limit',
    method: 'GET',
    path: '/v1/subscriptions',
    after: 1,
    times: 3,
  });
  const run = await importAll({ apply: true, create_missing: true });
  await until('a page is read', async () => ((await progressOf(run))?.pages ?? 0) > 0);
  // What changes from now on changes after it was listed, or while it is.
  await run.executeUpdate(IMPORT_UPDATES.pause, { args: [ORDER] });
  await killWorker();
  const changed = of('known');
  for (const [index, { subscription }] of changed.entries()) {
    const [item] = subscription.items.data;
    if (index % 4 === 0) await stripe.subscriptions.cancel(subscription.id);
    else
      await stripe.subscriptions.update(subscription.id, {
        items: [{ id: item?.id ?? '', quantity: 500 + index }],
        proration_behavior: 'none',
      });
  }
  await quiet();
  expect(await progressOf(run)).toMatchObject({ paused: true });
  await system.temporal.crash();
  await system.temporal.start();
  await until('the import goes on', async () =>
    run.executeUpdate(IMPORT_UPDATES.resume, { args: [ORDER] }).then(
      () => true,
      () => false,
    ),
  );
  await until('something is applied', async () => {
    const [row] = await system.query<{ count: number }>(
      'select count(*)::int as count from imported_customers where applied_at is not null',
    );
    return (row?.count ?? 0) > 0;
  });
  await killWorker();
  const result = await run.result();
  await quiet();

  expect(result).toMatchObject({
    conflicts: 2 * CONFLICTING_PAIRS + NAMING_NOBODY,
    created: MISSING,
    known: KNOWN,
    linked: BY_EMAIL + BY_METADATA + ENDED,
    proof: { differences: 0 },
  });
  expect(result.left).toBe(UNPAID_FOR + DELETED + SILENT);
  const owned = new Set(
    (['by_email', 'by_metadata', 'ended', 'known', 'missing'] as const).flatMap((kind) =>
      of(kind).map(({ customer }) => customer),
    ),
  );
  const theirs = (await allOfStripe()).filter(({ customer }) => owned.has(String(customer)));
  expect(await rowsOfSubscriptions()).toEqual(
    theirs
      .map(
        ({ id, status, items }) =>
          `${id} ${status} ${items.data.reduce((sum, { quantity }) => sum + (quantity ?? 0), 0)}`,
      )
      .sort(),
  );
  const customers = await system.query<{ customer: string; tenant: string }>(
    'select stripe_customer_external_id as customer, tenant from stripe_customers',
  );
  expect(customers.map(({ customer }) => customer).sort()).toEqual([...owned].sort());
  // None of these tenants shares its customer, so each has one.
  expect(new Set(customers.map(({ tenant }) => tenant)).size).toBe(owned.size);
  const counts = await system.query<{ customer: string; count: number; access: string }>(
    `select c.stripe_customer_external_id as customer, t.licensed_user_count as count, t.access_state as access
     from stripe_customers c join tenants t using (tenant)`,
  );
  for (const [index, { customer }] of changed.entries()) {
    expect(counts).toContainEqual(
      index % 4 === 0
        ? { customer, count: 0, access: 'canceled' }
        : { customer, count: 500 + index, access: 'active' },
    );
  }
  for (const { customer, number } of of('missing'))
    expect(counts).toContainEqual({ customer, count: (number % 20) + 1, access: 'active' });

  const before = await fingerprint();
  const again = await (await importAll({ apply: true, create_missing: true })).result();
  expect(again).toMatchObject({
    linked: 0,
    created: 0,
    written: 0,
    known: owned.size,
    proof: { differences: 0 },
  });
  expect(await fingerprint()).toEqual(before);
}, 300_000);
