import { readFile } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import { startImport, startReconcile } from '../../client/bulk-runs.ts';
import {
  billingSyncWorkflowId,
  createTenantWorkflowIdOf,
  DEFAULT_TASK_QUEUE,
  DUNNING_UPDATES,
  dunningWorkflowId,
  IMPORT_UPDATES,
  type ImportCustomersInput,
  type ReconcileBillingInput,
  WORKFLOW_TYPES,
} from '../../client/contract.ts';
import { createTenancyClient } from '../../client/tenancy-client.ts';
import { wakeBillingSync } from '../../client/wake-billing-sync.ts';
import { observe } from '../../sandbox/demo/observer.ts';
import { buyInCheckout, openStore, type Sale } from '../../sandbox/demo/store.ts';
import { DEMO_DUNNING_POLICY } from '../../sandbox/demo/unpaid-renewal.ts';
import { waitUntil } from '../../sandbox/processes/wait-until.ts';
import { startStack } from '../../sandbox/stack.ts';
import { keepHistory } from './histories.ts';

// Records the histories that later releases must replay: `npm run replay:record`, before a release. Those of a version
// that has them are not replaced; `-- --force` does, as long as the version is not released.
const WAIT_LIMIT_MS = 60_000;
const ORDER = { actor: 'recorder', reason: 'replay' };
const force = process.argv.includes('--force');
const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));

const stack = await startStack({
  log: () => undefined,
  durable: false,
  env: { DUNNING_POLICY_FILE: DEMO_DUNNING_POLICY },
});
const connection = await Connection.connect({ address: stack.temporal.address });
const client = new Client({ connection, namespace: stack.temporal.namespace });
const observer = observe(stack.postgres.url);
try {
  const scenarios: Record<string, () => Promise<string>> = {
    'create-tenant': createTenant,
    'create-tenant-amended': () => createTenantWithUnknownSubscription('amend'),
    'create-tenant-abandoned': () => createTenantWithUnknownSubscription('abandon'),
    // Of a run that is still open: those that wait for months are what a release must not break.
    'create-tenant-waiting': () => createTenantThatWaits(),
    'create-tenant-cancelled': createTenantThatIsCancelled,
    'create-tenant-mail-retried': createTenantWhileMailIsAway,
    'create-tenant-refused': createTenantOfAnotherCustomer,
    'create-tenant-without-customer': createTenantWithoutCustomer,
    'billing-sync': billingSync,
    'billing-sync-woken-again': billingSyncWokenAgain,
    'billing-sync-purchase': billingSyncOfPurchase,
    sweep,
    'dunning-paid': dunningUntilPaid,
    'billing-sync-unpaid': billingSyncOfDebt,
    'dunning-written-off': dunningWrittenOff,
    'dunning-paused': dunningThatIsPaused,
    'import-dry-run': () => importCustomers({}),
    'import-applied': importOfStrangers,
    'import-paused': importThatIsPaused,
    'reconcile-dry-run': () => reconcile({ dry_run: true }),
    'reconcile-missed-events': () => reconcileUnheard({}),
    'reconcile-repaired': () => reconcileUnheard({ only: 'subscriptions' }),
  };
  const open = ['create-tenant-waiting', 'dunning-paused', 'import-paused'];
  for (const [scenario, run] of Object.entries(scenarios)) {
    const workflowId = await run();
    const handle = client.workflow.getHandle(workflowId);
    if (!open.includes(scenario)) await handle.result().catch(() => undefined);
    await keepHistory({ version, scenario, workflowId, history: await handle.fetchHistory(), force });
    process.stdout.write(`${version}/${scenario}\n`);
  }
} finally {
  await observer.close();
  await connection.close();
  await stack.close();
}

async function sell(licenses: number): Promise<Sale> {
  return openStore(stack).sell({ email: 'replay@example.com', name: 'Replay', licenses });
}

async function start(sale: Sale, subscription = sale.subscription): Promise<string> {
  const { workflowId } = await createTenancyClient({ client }).createTenant({
    email: sale.email,
    client_name: sale.name,
    stripe_customer_id: sale.customer,
    stripe_subscription_id: subscription,
    initial_license_count: sale.licenses,
  });
  return workflowId;
}

async function createTenant(): Promise<string> {
  return start(await sell(10));
}

async function createTenantThatWaits(sale?: Sale): Promise<string> {
  const workflowId = await start(sale ?? (await sell(10)), 'sub_unknown');
  await until('the import waits', async () => {
    const { steps } = await createTenancyClient({ client }).progressOf(workflowId);
    return steps.some((step) => step.name === 'import_subscription' && step.state === 'waiting');
  });
  return workflowId;
}

async function createTenantThatIsCancelled(): Promise<string> {
  const workflowId = await createTenantThatWaits();
  await client.workflow.getHandle(workflowId).cancel();
  return workflowId;
}

async function createTenantWithUnknownSubscription(update: 'amend' | 'abandon'): Promise<string> {
  const sale = await sell(10);
  const workflowId = await createTenantThatWaits(sale);
  const command = { step: 'import_subscription', actor: 'recorder', reason: 'replay' };
  const correction = update === 'amend' ? { stripe_subscription_id: sale.subscription } : {};
  await client.workflow
    .getHandle(workflowId)
    .executeUpdate(update, { args: [{ ...command, ...correction }] });
  return workflowId;
}

async function createTenantWhileMailIsAway(): Promise<string> {
  stack.mail.failNext(2);
  return start(await sell(3));
}

async function createTenantOfAnotherCustomer(): Promise<string> {
  const [sale, other] = [await sell(1), await sell(1)];
  return start(sale, other.subscription);
}

async function createTenantWithoutCustomer(): Promise<string> {
  const { workflowId } = await createTenancyClient({ client }).createTenant({
    email: 'replay@example.com',
    client_name: 'Without customer',
    initial_license_count: 2,
  });
  return workflowId;
}

async function billingSync(): Promise<string> {
  const sale = await sell(10);
  await client.workflow.getHandle(await start(sale)).result();
  await openStore(stack).changeLicenses(sale, 25);
  await observer.untilTenant('the licences follow', sale.customer, (row) => row.licensed_user_count === 25);
  return billingSyncWorkflowId(sale.customer);
}

/** A run that is woken while it waits for Stripe, and finds nothing left afterwards. */
async function billingSyncWokenAgain(): Promise<string> {
  const sale = await sell(10);
  await client.workflow.getHandle(await start(sale)).result();
  await stack.simulator.control.waitUntilIdle();
  await stack.simulator.control.injectFault({
    kind: 'rate_limit',
    method: 'GET',
    path: '/v1/subscriptions',
    times: 4,
  });
  await openStore(stack).changeLicenses(sale, 25);
  const workflowId = billingSyncWorkflowId(sale.customer);
  await until('the sync waits', async () => {
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    return (raw.pendingActivities ?? []).length > 0;
  });
  await wakeBillingSync(client.workflow, { subject: sale.customer, taskQueue: DEFAULT_TASK_QUEUE });
  await observer.untilTenant('the licences follow', sale.customer, (row) => row.licensed_user_count === 25);
  return workflowId;
}

/** The run that the session's event began: it starts the tenant's creation as its child. */
async function billingSyncOfPurchase(): Promise<string> {
  const { control } = stack.simulator;
  await control.waitUntilIdle();
  await control.holdDeliveries();
  const { customer } = await buyInCheckout(stack, {
    email: 'session@example.com',
    name: 'Session',
    licenses: 3,
  });
  const session = (await control.heldDeliveries()).filter(
    (held) => held.eventType === 'checkout.session.completed',
  );
  await control.deliver({ eventIds: session.map((held) => held.eventId) });
  const workflowId = billingSyncWorkflowId(customer);
  await until('the sync has run', async () => {
    const { status } = await client.workflow.getHandle(workflowId).describe();
    return status.name === 'COMPLETED';
  });
  await until('the tenant is made', async () => {
    const { status } = await client.workflow.getHandle(createTenantWorkflowIdOf(customer)).describe();
    return status.name === 'COMPLETED';
  });
  await control.releaseDeliveries();
  return workflowId;
}

/** A tenant whose upgrade was declined, and whose case is open. */
async function debt(): Promise<{ sale: Sale; invoice: string; workflowId: string }> {
  const sale = await sell(10);
  await client.workflow.getHandle(await start(sale)).result();
  await stack.simulator.control.setPaymentFate({
    customer: sale.customer,
    payments: 'every',
    outcome: { kind: 'decline', decline_code: 'insufficient_funds' },
  });
  const { items } = await stack.stripe.subscriptions.retrieve(sale.subscription);
  const { latest_invoice: invoice } = await stack.stripe.subscriptions.update(sale.subscription, {
    items: [{ id: items.data[0]?.id ?? '', quantity: 99 }],
    proration_behavior: 'always_invoice',
  });
  const workflowId = dunningWorkflowId(sale.subscription);
  await until('the case waits', async () => {
    // Until billing sync has woken it there is no run.
    const progress = await client.workflow
      .getHandle(workflowId)
      .query('progress')
      .catch(() => null);
    return (
      typeof progress === 'object' && progress !== null && 'waiting' in progress && progress.waiting !== null
    );
  });
  return { sale, invoice: String(invoice), workflowId };
}

async function pay(invoice: string): Promise<void> {
  await stack.simulator.control.clearPaymentFates();
  await stack.stripe.invoices.pay(invoice);
}

/** Notice, warning, restriction, payment, receipt. */
async function dunningUntilPaid(): Promise<string> {
  const { sale, invoice, workflowId } = await debt();
  await observer.untilTenant('access', sale.customer, (row) => row.access_state === 'restricted');
  await pay(invoice);
  return workflowId;
}

/** The sync that saw a payment, and woke the dunning. */
async function billingSyncOfDebt(): Promise<string> {
  const { sale, invoice, workflowId } = await debt();
  await pay(invoice);
  await client.workflow.getHandle(workflowId).result();
  return billingSyncWorkflowId(sale.customer);
}

async function dunningWrittenOff(): Promise<string> {
  const { workflowId } = await debt();
  await client.workflow.getHandle(workflowId).executeUpdate(DUNNING_UPDATES.writeOff, { args: [ORDER] });
  return workflowId;
}

/** Of a run that is still open, with operators' commands, one of them refused. */
async function dunningThatIsPaused(): Promise<string> {
  const { workflowId } = await debt();
  const run = client.workflow.getHandle(workflowId);
  await run.executeUpdate(DUNNING_UPDATES.extend, { args: [{ ...ORDER, days: 3 }] });
  await run.executeUpdate(DUNNING_UPDATES.retryPaymentNow, { args: [ORDER] });
  await run
    .executeUpdate(DUNNING_UPDATES.skipStage, { args: [{ ...ORDER, stage: 'unknown' }] })
    .catch(() => undefined);
  const day = new Date(Date.now() + 86_400_000).toISOString();
  await run.executeUpdate(DUNNING_UPDATES.pause, { args: [{ ...ORDER, until: day }] });
  return workflowId;
}

async function importCustomers(input: ImportCustomersInput): Promise<string> {
  const { workflowId } = await startImport(client, { input, taskQueue: DEFAULT_TASK_QUEUE });
  await client.workflow.getHandle(workflowId).result();
  return workflowId;
}

/** A customer that nobody told us of, whose payment nothing wakes us for. */
async function stranger(
  metadata: Record<string, string> = {},
  subscriptionMetadata: Record<string, string> = {},
): Promise<void> {
  const { stripe, licensePriceId } = stack;
  const customer = await stripe.customers.create({
    email: 'stranger@example.com',
    name: 'Stranger',
    metadata,
  });
  await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: licensePriceId, quantity: 3 }],
    trial_period_days: 30,
    metadata: subscriptionMetadata,
  });
}

/** A tenant whose subscription no list of Stripe's holds. */
async function subscriberOnTestClock(): Promise<{ tenant: string }> {
  const { stripe, licensePriceId } = stack;
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: Math.floor(Date.now() / 1000) });
  const email = 'clock@example.com';
  const customer = await stripe.customers.create({ email, name: 'Clock', test_clock: clock.id });
  const { id } = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: licensePriceId, quantity: 4 }],
    trial_period_days: 30,
  });
  const { workflowId } = await createTenancyClient({ client }).createTenant({
    email,
    client_name: 'Clock',
    stripe_customer_id: customer.id,
    stripe_subscription_id: id,
  });
  return client.workflow.getHandle(workflowId).result();
}

/** With a tenant that is made, tags, a conflict, and a difference that the proof looks at again. */
async function importOfStrangers(): Promise<string> {
  await stack.simulator.control.waitUntilIdle();
  await stranger();
  await stranger({ tenant_id: 'nobody' });
  const { tenant } = await subscriberOnTestClock();
  await stranger({}, { tenant_id: tenant });
  return importCustomers({ apply: true, create_missing: true, tag: true });
}

/** Of a run that is still open, with a command that was refused. */
async function importThatIsPaused(): Promise<string> {
  await stack.simulator.control.injectFault({
    kind: 'rate_limit',
    method: 'GET',
    path: '/v1/subscriptions',
    times: 4,
  });
  const { workflowId } = await startImport(client, {
    input: { proof_only: true },
    taskQueue: DEFAULT_TASK_QUEUE,
  });
  const run = client.workflow.getHandle(workflowId);
  await run.executeUpdate(IMPORT_UPDATES.resume, { args: [ORDER] }).catch(() => undefined);
  await run.executeUpdate(IMPORT_UPDATES.pause, { args: [ORDER] });
  return workflowId;
}

async function reconcile(input: ReconcileBillingInput): Promise<string> {
  const { workflowId } = await startReconcile(client, { input, taskQueue: DEFAULT_TASK_QUEUE });
  await client.workflow.getHandle(workflowId).result();
  return workflowId;
}

/** After a change of which no event came. */
async function reconcileUnheard(input: ReconcileBillingInput): Promise<string> {
  const sale = await sell(10);
  await client.workflow.getHandle(await start(sale)).result();
  await stack.simulator.control.waitUntilIdle();
  const [endpoint] = (await stack.stripe.webhookEndpoints.list()).data;
  const hear = (disabled: boolean) => stack.stripe.webhookEndpoints.update(endpoint?.id ?? '', { disabled });
  await hear(true);
  await openStore(stack).changeLicenses(sale, 12);
  const workflowId = await reconcile(input);
  await hear(false);
  return workflowId;
}

async function sweep(): Promise<string> {
  const workflowId = 'sweep-webhook-events-recorded';
  await client.workflow.start(WORKFLOW_TYPES.sweepWebhookEvents, {
    workflowId,
    taskQueue: DEFAULT_TASK_QUEUE,
  });
  return workflowId;
}

function until(what: string, check: () => Promise<boolean>): Promise<void> {
  return waitUntil({ what, check, limitMs: WAIT_LIMIT_MS });
}
