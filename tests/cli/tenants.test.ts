import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { NOTHING, type SyncRound } from '../../activities/sync-round.ts';
import { stripeTaskQueue } from '../../client/contract.ts';
import { wakeBillingSync } from '../../client/wake-billing-sync.ts';
import { DRIFT_REPAIRS } from '../../domain/billing-drift.ts';
import { WORKFLOW_SOURCE } from '../../worker/workflow-source.ts';
import { useDatabase } from '../database.ts';
import { billingRows, event, newId } from '../db/billing-rows.ts';
import { useSetUpTemporal, useWorkers } from '../temporal.ts';
import { gate } from './gate.ts';
import { runCli, startCli } from './run-cli.ts';

const NOBODY = '127.0.0.1:1';
const TASK_QUEUE = randomUUID();
const { database, pool, url } = await useDatabase();
const rows = billingRows({ database, pool });

/** What a customer's sync does; those of no entry change nothing. */
const syncs = new Map<string, () => Promise<Partial<SyncRound>>>();

// Failures are part of what is tested.
Runtime.install({ logger: new DefaultLogger('ERROR') });

const temporal = await useSetUpTemporal();
const { client } = temporal;
await useWorkers(
  temporal,
  { taskQueue: TASK_QUEUE, ...WORKFLOW_SOURCE },
  { taskQueue: stripeTaskQueue(TASK_QUEUE), activities: { syncSubject } },
);

async function syncSubject({ subject }: { subject: string }): Promise<SyncRound> {
  return { ...NOTHING, more: false, ...(await syncs.get(subject)?.()) };
}

const environment = () => ({
  DATABASE_URL: url,
  ...temporal.env,
  TASK_QUEUE,
});
const tenants = (args: string[], env: Record<string, string> = {}) =>
  runCli(['tenants', ...args], { ...environment(), ...env });

const licences = (tenant: string, count: number) =>
  pool.query('update tenants set licensed_user_count = $2 where tenant = $1', [tenant, count]);

const audited = async (tenant: string) =>
  (
    await pool.query('select action, actor, subject, reason, detail from audit_log where tenant = $1', [
      tenant,
    ])
  ).rows;

const idsOf = (answer: unknown) =>
  (answer as { tenants: { tenant: string }[] }).tenants.map((one) => one.tenant);

test('tenants are found by address, part of the name and access, newest first and page by page', async () => {
  const mark = newId('mark');
  const [old, young, other] = await Promise.all(
    ['Old', 'Young', 'Other'].map((name) =>
      rows.tenantWithCustomer({ client_name: `${name} 100% ${mark}`, email: `${name}-${mark}@example.com` }),
    ),
  );
  const [first, second, third] = [old?.tenant ?? '', young?.tenant ?? '', other?.tenant ?? ''];
  for (const [tenant, age] of [
    [first, '3 days'],
    [second, '2 days'],
    [third, '1 day'],
  ])
    await pool.query('update tenants set created_at = now() - $2::interval where tenant = $1', [tenant, age]);
  await pool.query("update tenants set access_state = 'suspended' where tenant = $1", [second]);
  const of = async (...args: string[]) => idsOf((await tenants(['list', '--json', ...args])).json());
  const [table, byName, byEmail, byAccess, page, rest] = await Promise.all([
    tenants(['list', '--name', mark]),
    of('--name', `100% ${mark.toUpperCase()}`),
    of('--email', `YOUNG-${mark}@example.com`),
    of('--access', 'suspended'),
    of('--name', mark, '--limit', '2'),
    of('--name', mark, '--before', second),
  ]);
  const [head, ...lines] = table.stdout.trimEnd().split('\n');
  expect(head).toMatch(/^TENANT +NAME +EMAIL +LICENCES +ACCESS +CREATED$/);
  expect(lines.map((line) => line.split(' ')[0])).toEqual([third, second, first]);
  expect(byName).toEqual([third, second, first]);
  expect(byEmail).toEqual([second]);
  expect(byAccess).toEqual([second]);
  expect(page).toEqual([third, second]);
  expect(rest).toEqual([first]);
});

test('a tenant is shown with customers, subscriptions, open cases, last events and open drift, however it is named', async () => {
  const email = `${newId('show')}@example.com`;
  const owner = await rows.tenantWithSubscription();
  await pool.query('update tenants set email = $2 where tenant = $1', [owner.tenant, email]);
  const [came = ''] = await rows.receive(event({ subject: owner.customer }));
  await pool.query(
    `insert into billing_drift
       (kind, subject, stripe_customer_external_id, field, ours, theirs, found_by, last_seen_by, repaired_at, repair)
     values ('subscription', $1, null, 'quantity', '9', '10', 'r', 'r', null, null),
            ('invoice', 'in_1', $2, 'status', '1', '2', 'r', 'r', null, null),
            ('subscription', $1, null, 'status', '1', '2', 'r', 'r', now(), $3)`,
    [owner.subscription, owner.customer, DRIFT_REPAIRS[0]],
  );
  const names = [owner.tenant.toUpperCase(), owner.customer, email.toUpperCase()];
  const runs = await Promise.all(names.map((name) => tenants(['show', name, '--json'])));
  for (const run of runs) {
    expect(run.json()).toMatchObject({
      tenant: { tenant: owner.tenant, email, licensed_user_count: 10 },
      customers: [{ stripe_customer_external_id: owner.customer }],
      subscriptions: [
        { stripe_subscription_external_id: owner.subscription, status: 'active', quantity: 10 },
      ],
      dunning_cases: [],
      events: [{ stripe_event_id: came }],
      drift: expect.arrayContaining([
        expect.objectContaining({ subject: owner.subscription, field: 'quantity', ours: 9, theirs: 10 }),
        expect.objectContaining({ subject: 'in_1', field: 'status' }),
      ]),
    });
    expect((run.json() as { drift: object[] }).drift).toHaveLength(2);
  }
  const table = await tenants(['show', owner.tenant]);
  for (const shown of [
    email,
    owner.customer,
    owner.subscription,
    came,
    'quantity',
    'Nothing is being dunned.',
  ])
    expect(table.stdout).toContain(shown);
});

test('an address of several tenants is refused with their ids', async () => {
  const email = `${newId('twice')}@example.com`;
  const both = await Promise.all([rows.tenantWithCustomer({ email }), rows.tenantWithCustomer({ email })]);
  const run = await tenants(['show', email]);
  expect(run).toMatchObject({ code: 1, stdout: '' });
  for (const { tenant } of both) expect(run.stderr).toContain(tenant);
});

test('a repair looks at Stripe for each of the tenant’s customers, and shows licences and access before and after', async () => {
  const owner = await rows.tenantWithCustomer({ initial_license_count: 3 });
  const second = await rows.addCustomer(owner.tenant);
  const looked: string[] = [];
  for (const customer of [owner.customer, second])
    syncs.set(customer, async () => {
      looked.push(customer);
      await licences(owner.tenant, 7);
      return { processed: 1, licensed_user_count: 7 };
    });
  const run = await tenants([
    'repair',
    owner.tenant,
    '--json',
    '--actor',
    'grace',
    '--reason',
    'the count looks old',
  ]);
  expect(run.code).toBe(0);
  expect(run.json()).toMatchObject({
    tenant: owner.tenant,
    dry_run: false,
    before: { licensed_user_count: 3, access_state: 'active' },
    after: { licensed_user_count: 7, access_state: 'active' },
    syncs: expect.arrayContaining(
      [owner.customer, second].map((customer) =>
        expect.objectContaining({
          customer,
          workflow_id: `billing-sync-${customer}`,
          outcome: 'completed',
          result: expect.objectContaining({ processed: 1, licensed_user_count: 7 }),
        }),
      ),
    ),
  });
  expect(looked.sort()).toEqual([owner.customer, second].sort());
  expect(await audited(owner.tenant)).toEqual([
    {
      action: 'tenants repair',
      actor: 'grace',
      subject: owner.tenant,
      reason: 'the count looks old',
      detail: { customers: expect.arrayContaining([owner.customer, second]) },
    },
  ]);
});

test('a repair of one customer waits for the sync that is running, then looks once more', async () => {
  const owner = await rows.tenantWithCustomer();
  await rows.addCustomer(owner.tenant);
  const held = gate();
  let looks = 0;
  syncs.set(owner.customer, async () => {
    looks += 1;
    if (looks === 1) await held.opened;
    return {};
  });
  await wakeBillingSync(client.workflow, { subject: owner.customer, taskQueue: TASK_QUEUE });
  const command = startCli(['tenants', 'repair', owner.customer], environment());
  await command.says(`billing-sync-${owner.customer} is running`);
  held.open();
  const run = await command.ended;
  expect(run.code).toBe(0);
  expect(run.stdout).toMatch(
    new RegExp(`^${owner.customer} +billing-sync-${owner.customer} +completed`, 'm'),
  );
  expect(run.stdout).toMatch(/^before +- +active$/m);
  expect(looks).toBe(2);
});

test('a sync that fails for good is told with its reason, with exit code 1', async () => {
  const owner = await rows.tenantWithCustomer();
  syncs.set(owner.customer, async () => {
    throw ApplicationFailure.nonRetryable('the key may not read subscriptions', 'StripePermissionDenied');
  });
  const run = await tenants(['repair', owner.customer, '--json']);
  expect(run.code).toBe(1);
  expect(run.json()).toMatchObject({
    syncs: [{ outcome: 'failed', failure: 'the key may not read subscriptions' }],
  });
  expect(run.stderr).toContain('the key may not read subscriptions');
});

test('Ctrl-C ends the waiting and says how to look; the sync goes on', async () => {
  const owner = await rows.tenantWithCustomer();
  const begun = gate();
  const held = gate();
  syncs.set(owner.customer, async () => {
    begun.open();
    await held.opened;
    return { processed: 5 };
  });
  const command = startCli(['tenants', 'repair', owner.customer, '--json'], environment());
  await begun.opened;
  command.kill('SIGINT');
  const run = await command.ended;
  expect(run.code).toBe(0);
  expect(run.json()).toMatchObject({ syncs: [{ outcome: 'under_way' }] });
  expect(run.stderr).toContain(`temporal workflow show --workflow-id billing-sync-${owner.customer}`);
  held.open();
  const result = await client.workflow.getHandle(`billing-sync-${owner.customer}`).result();
  expect(result).toMatchObject({ processed: 5 });
});

test('a dry run of a repair starts nothing and needs no Temporal', async () => {
  const owner = await rows.tenantWithCustomer();
  const run = await tenants(['repair', owner.tenant, '--dry-run', '--json'], { TEMPORAL_ADDRESS: NOBODY });
  expect(run.code).toBe(0);
  expect(run.json()).toMatchObject({
    dry_run: true,
    syncs: [{ customer: owner.customer, outcome: 'planned' }],
  });
  expect(await audited(owner.tenant)).toEqual([]);
});

test('while Temporal is away a repair is refused in a sentence, and leaves no entry in the audit log', async () => {
  const owner = await rows.tenantWithCustomer();
  const run = await tenants(['repair', owner.tenant, '--json'], { TEMPORAL_ADDRESS: NOBODY });
  expect(run).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `error: Temporal does not answer at ${NOBODY}\n`,
  });
  expect(await audited(owner.tenant)).toEqual([]);
});

test.each<[string[], string]>([
  [
    ['show', '3f0f1a52-7f55-4c3c-8f2c-0c7b4a3a9c11'],
    'There is no tenant 3f0f1a52-7f55-4c3c-8f2c-0c7b4a3a9c11',
  ],
  [['show', 'cus_none'], 'No tenant has the customer cus_none'],
  [['show', 'nobody@example.com'], 'No tenant has the address nobody@example.com'],
  [['repair', 'cus_none'], 'No tenant has the customer cus_none'],
  [
    ['list', '--before', '3f0f1a52-7f55-4c3c-8f2c-0c7b4a3a9c11'],
    'There is no tenant 3f0f1a52-7f55-4c3c-8f2c-0c7b4a3a9c11',
  ],
])('tenants %j: %s, with exit code 1', async (args, sentence) => {
  expect(await tenants(args)).toMatchObject({ code: 1, stdout: '', stderr: `error: ${sentence}\n` });
});

test.each([[['show', 'sub_1']], [['list', '--access', 'locked']], [['repair', 'ada@example.com']]])(
  'tenants %j is wrong usage',
  async (args) => {
    const run = await tenants(args);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain(`Usage: tenantry tenants ${args[0]}`);
  },
);
