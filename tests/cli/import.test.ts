import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { importCustomersWorkflowId } from '../../client/contract.ts';
import { startStack } from '../../sandbox/stack.ts';
import { runCli, startCli } from './run-cli.ts';

/** A month of trial: a live subscription that needs no card. */
const TRIAL = { trial_period_days: 30 } as const;

const stack = await startStack({ durable: false, log: () => undefined });
const { stripe, licensePriceId } = stack;
const pool = new pg.Pool({ connectionString: stack.env.DATABASE_URL, max: 2 });
// What is done to Stripe here happened before there was a webhook endpoint.
for (const endpoint of (await stripe.webhookEndpoints.list()).data) {
  await stripe.webhookEndpoints.del(endpoint.id);
}

afterAll(async () => {
  await pool.end();
  await stack.close();
});

const tenantry = (...args: string[]) => runCli(args, stack.env);
const query = async (sql: string, values: unknown[] = []) => (await pool.query(sql, values)).rows;

async function customer(email: string | null, quantity = 3): Promise<{ id: string; subscription: string }> {
  const made = await stripe.customers.create({ name: 'Customer', ...(email !== null && { email }) });
  const subscription = await stripe.subscriptions.create({
    customer: made.id,
    items: [{ price: licensePriceId, quantity }],
    ...TRIAL,
  });
  return { id: made.id, subscription: subscription.id };
}

async function tenant(email: string): Promise<string> {
  const [row] = await query(
    `insert into tenants (client_name, email) values ('Tenant', $1) returning tenant`,
    [email],
  );
  return row.tenant;
}

/** Tests of one import after another share the store, so each brings its own customers. */
const email = (name: string) => `${name}-${randomUUID().slice(0, 8)}@example.com`;
const countOf = async (id: string) =>
  (await query('select licensed_user_count as count from tenants where tenant = $1', [id]))[0]?.count;

describe('tenantry import', () => {
  test('without --apply it is a dry run: it plans, lists conflicts by name and writes nothing, in both forms', async () => {
    const mail = email('Planned');
    const owner = await tenant(mail.toUpperCase());
    await customer(mail);
    const twice = email('twice');
    await tenant(twice);
    const rivals = [await customer(twice), await customer(twice)];
    const json = await tenantry('import', '--json');
    expect(json.code).toBe(3);
    const report = json.json() as {
      applied: boolean;
      linked: number;
      proof: null;
      conflicts: { customer: string; email: string; reason: string; candidates: string[] }[];
    };
    expect(report).toMatchObject({ applied: false, proof: null });
    expect(report.conflicts).toEqual(
      expect.arrayContaining(
        rivals.map(({ id }) =>
          expect.objectContaining({ customer: id, email: twice, reason: 'several_customers' }),
        ),
      ),
    );
    expect(await countOf(owner)).toBeNull();
    const text = await tenantry('import');
    expect(text.code).toBe(3);
    expect(text.stdout).toContain('Dry run: nothing was written but the plan');
    for (const { id } of rivals) expect(text.stdout).toMatch(new RegExp(`${id} .*several_customers`));
    for (const { id } of rivals) await stripe.customers.update(id, { email: '' });
  });

  test('--apply links, writes and proves; a second time it writes nothing; both are in the audit log', async () => {
    const mail = email('applied');
    const owner = await tenant(mail);
    await customer(mail, 7);
    const json = await tenantry('import', '--apply', '--json', '--reason', 'migration day', '--actor', 'ada');
    expect(json.json()).toMatchObject({
      applied: true,
      conflicts: [],
      proof: { difference_count: 0, differences: [] },
    });
    expect(json.code).toBe(0);
    expect(await countOf(owner)).toBe(7);
    const again = await tenantry('import', '--apply', '--json');
    expect(again.json()).toMatchObject({ written: 0, proof: { differences: [] } });
    const entries = await query(
      `select actor, action, reason, detail from audit_log where action = 'import' order by created_at`,
    );
    expect(entries).toMatchObject([
      { actor: 'ada', reason: 'migration day', detail: { apply: true } },
      { detail: { apply: true } },
    ]);
  });

  test('--create-missing makes a tenant for a paying customer, --tag names it in Stripe', async () => {
    const { id } = await customer(email('new'), 5);
    const run = await tenantry('import', '--apply', '--create-missing', '--tag', '--json');
    expect(run.json()).toMatchObject({ created: 1, proof: { differences: [] } });
    const [row] = await query(
      `select c.tenant, t.licensed_user_count as count, c.metadata ->> 'source' as source from stripe_customers c
      join tenants t using (tenant) where c.stripe_customer_external_id = $1`,
      [id],
    );
    expect(row).toMatchObject({ count: 5, source: 'migration_import' });
    const tagged = await stripe.customers.retrieve(id);
    expect('metadata' in tagged && tagged.metadata.tenant_id).toBe(row.tenant);
  });

  test('--proof lists what is missing by name, and ends with 3', async () => {
    const mail = email('missing');
    await tenant(mail);
    const { subscription } = await customer(mail);
    const run = await tenantry('import', '--proof', '--json');
    expect(run.code).toBe(3);
    expect(run.json()).toMatchObject({
      applied: false,
      proof: {
        difference_count: 1,
        differences: [{ subscription, stripe: 'trialing', ours: null }],
      },
    });
    const text = await tenantry('import', '--proof');
    expect(text.stdout).toMatch(new RegExp(`${subscription} .*trialing +-`));
    await tenantry('import', '--apply');
  });

  test('import subscription brings one in for the tenant that is named, whatever its e-mail says', async () => {
    const owner = await tenant(email('named'));
    const { subscription } = await customer(email('another'), 9);
    const dry = await tenantry('import', 'subscription', subscription, owner, '--dry-run', '--json');
    expect(dry.json()).toEqual({ subscription, tenant: owner, dry_run: true });
    expect(await countOf(owner)).toBeNull();
    const run = await tenantry('import', 'subscription', subscription, owner, '--json');
    expect(run.json()).toMatchObject({ subscription, tenant: owner, written: true });
    expect(await countOf(owner)).toBe(9);
    const again = await tenantry('import', 'subscription', subscription, owner);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing was written') });
    const other = await tenantry('import', 'subscription', subscription, await tenant(email('other')));
    expect(other).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(owner) });
    const unknown = await tenantry('import', 'subscription', 'sub_unknown', owner);
    expect(unknown).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Stripe does not know sub_unknown'),
    });
  });

  test('names that would steer a terminal are shown as text, each customer in one line', async () => {
    const mail = email('steering');
    const twins = await Promise.all([customer(mail), customer(mail)]);
    await tenant(mail);
    const name = 'Red \u001b[31m\nsecond\u202eline';
    for (const { id } of twins) await stripe.customers.update(id, { name });
    const text = await tenantry('import');
    expect(text.stdout).toContain('Red \\u001b[31m\\u000asecond\\u202eline');
    for (const character of ['\u001b', '\u202e']) expect(text.stdout).not.toContain(character);
    const json = (await tenantry('import', '--json')).json() as { conflicts: { name: string }[] };
    expect(json.conflicts.map((each) => each.name)).toContain(name);
    for (const { id } of twins) await stripe.customers.update(id, { email: '' });
  });

  test('a paused import waits, its watcher detaches at Ctrl-C, and another one sees its end', async () => {
    const none = await tenantry('import', 'pause', '--reason', 'there is none', '--json');
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('No import is under way') });
    // Without an answer from Stripe the import can't be over before it is paused.
    await stack.simulator.control.injectFault({
      path: '/v1/subscriptions',
      kind: 'rate_limit',
      times: 1_000,
    });
    const watcher = startCli(['import'], stack.env);
    await expect.poll(async () => (await tenantry('import', 'status')).code).toBe(0);
    await expect
      .poll(async () => (await tenantry('import', 'pause', '--reason', 'later', '--json')).code, {
        interval: 500,
      })
      .toBe(0);
    const status = await tenantry('import', 'status', '--json');
    expect(status.json()).toMatchObject({
      workflow_id: importCustomersWorkflowId('alga-psa-workflows'),
      phase: 'listing',
      paused: true,
    });
    watcher.kill('SIGINT');
    expect(await watcher.ended).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('To attach again'),
    });
    const second = startCli(['import'], stack.env);
    await second.says('is under way already');
    expect((await tenantry('import', 'resume', '--reason', 'now')).code).toBe(0);
    await stack.simulator.control.clearFaults();
    expect((await second.ended).stdout).toContain('Dry run');
    const entries = await query(
      `select action, reason from audit_log where action like 'import %ume' or action = 'import pause'`,
    );
    expect(entries).toMatchObject([
      { action: 'import pause', reason: 'later' },
      { action: 'import resume', reason: 'now' },
    ]);
  });

  test('a subscription that is being imported for one tenant is not said to be another one’s', async () => {
    const { subscription } = await customer(email('disputed'));
    const [first, second] = [await tenant(email('first')), await tenant(email('second'))];
    await stack.simulator.control.injectFault({
      path: '/v1/subscriptions/*',
      kind: 'rate_limit',
      times: 1_000,
    });
    const held = startCli(['import', 'subscription', subscription, first], stack.env);
    const entry = `select 1 from audit_log where subject = $1`;
    await expect.poll(() => query(entry, [subscription])).toHaveLength(1);
    await expect
      .poll(async () => (await tenantry('import', 'subscription', subscription, second)).stderr)
      .toContain(`for another tenant just now, ${first}`);
    await stack.simulator.control.clearFaults();
    expect(await held.ended).toMatchObject({ code: 0, stdout: expect.stringContaining(first) });
  });

  test('without a worker status and pause end with 1 within seconds, and a call that asks for more than the run does is refused', async () => {
    const env = { ...stack.env, TASK_QUEUE: 'nobody-works-here' };
    const watcher = startCli(['import'], env);
    await expect
      .poll(async () => (await runCli(['import', 'pause', '--reason', 'later'], env)).stderr, {
        interval: 100,
      })
      .toContain('No answer within 15 s: is a worker running?');
    const status = await runCli(['import', 'status'], env);
    expect(status).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('is a worker running?'),
    });
    const more = await runCli(['import', '--apply', '--tag'], env);
    expect(more).toMatchObject({ code: 1, stdout: '' });
    expect(more.stderr).toContain('is under way already, without --apply, --tag');
    watcher.kill('SIGINT');
    expect(await watcher.ended).toMatchObject({ code: 0 });
  });

  test.each([
    { args: ['import', '--tag'], says: 'it needs --apply' },
    { args: ['import', '--proof', '--apply'], says: 'cannot be used with' },
    { args: ['import', '--all'], says: 'unknown option' },
    { args: ['import', 'pause'], says: 'required option' },
    { args: ['import', 'subscription', 'cus_1', randomUUID()], says: 'begins with sub_' },
  ])('$args is wrong usage: 2, with the usage on standard error', async ({ args, says }) => {
    const run = await tenantry(...args);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain(says);
    expect(run.stderr).toContain('Usage: tenantry import');
  });
});

describe('tenantry reconcile', () => {
  test('--dry-run reports and repairs nothing, and ends with 3; without it all is repaired, and it ends with 0', async () => {
    const mail = email('drifted');
    const owner = await tenant(mail);
    const { subscription } = await customer(mail, 4);
    await tenantry('import', '--apply');
    await tenantry('reconcile');
    await pool.query(
      'update stripe_subscriptions set quantity = 99 where stripe_subscription_external_id = $1',
      [subscription],
    );
    const dry = await tenantry('reconcile', '--dry-run', '--json');
    expect(dry.code).toBe(3);
    expect(dry.json()).toMatchObject({
      dry_run: true,
      drift_found: 1,
      drift_repaired: 0,
      drift_left: 1,
      drift: [
        { kind: 'subscription', subject: subscription, field: 'quantity', ours: 99, theirs: 4, repair: null },
      ],
    });
    const text = await tenantry('reconcile', '--dry-run');
    expect(text.stdout).toMatch(new RegExp(`subscription +${subscription} +quantity +99 +4 .*stands`));
    const run = await tenantry('reconcile', '--json', '--reason', 'the count looks odd', '--actor', 'ada');
    expect(run).toMatchObject({ code: 0 });
    expect(run.json()).toMatchObject({ drift_found: 1, drift_repaired: 1, drift_left: 0 });
    expect(await countOf(owner)).toBe(4);
    const clean = await tenantry('reconcile');
    expect(clean).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing differs.') });
    const [entry] = await query(
      `select actor, reason from audit_log where action = 'reconcile' and actor = 'ada'`,
    );
    expect(entry).toEqual({ actor: 'ada', reason: 'the count looks odd' });
  });

  test('--only events puts events into the inbox that no delivery brought', async () => {
    const mail = email('silent');
    await tenant(mail);
    const { subscription } = await customer(mail);
    await tenantry('import', '--apply');
    await stripe.subscriptions.update(subscription, { metadata: { changed: 'yes' } });
    const dry = await tenantry('reconcile', '--only', 'events', '--dry-run', '--json');
    expect(dry.code).toBe(3);
    const run = await tenantry('reconcile', '--only', 'events', '--json');
    expect(run.code).toBe(0);
    const found = run.json() as { events_missing: number; subscriptions_checked: number };
    expect(found.events_missing).toBeGreaterThan(0);
    expect(found.subscriptions_checked).toBe(0);
    const again = await tenantry('reconcile', '--only', 'events', '--json');
    expect(again.json()).toMatchObject({ events_missing: 0 });
  });
});

test('a reconcile that joins one tells what that one does, and is refused where it would do less', async () => {
  await stack.simulator.control.injectFault({ path: '/v1/subscriptions', kind: 'rate_limit', times: 1_000 });
  const dry = startCli(['reconcile', '--dry-run', '--only', 'subscriptions', '--json'], stack.env);
  await dry.says('subscriptions: 0 events');
  const repairing = await tenantry('reconcile', '--only', 'subscriptions');
  expect(repairing).toMatchObject({ code: 1, stdout: '' });
  expect(repairing.stderr).toContain('is under way already, as a dry run of subscriptions only');
  const joined = startCli(['reconcile', '--dry-run', '--only', 'subscriptions', '--json'], stack.env);
  await joined.says('is under way already');
  await stack.simulator.control.clearFaults();
  for (const run of [dry, joined]) expect((await run.ended).json()).toMatchObject({ dry_run: true });
});

test.each([['import'], ['reconcile', '--dry-run']])(
  '%s ends with 1 within seconds when Temporal is away',
  async (...args) => {
    const run = await runCli(args, { ...stack.env, TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expect(run).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Temporal does not answer'),
    });
  },
);

test('Temporal that is lost while an import is watched is one sentence, with the way back', async () => {
  await stack.simulator.control.injectFault({ path: '/v1/subscriptions', kind: 'rate_limit', times: 1_000 });
  const watcher = startCli(['import', '--json'], stack.env);
  await watcher.says('listing: 0 pages');
  await stack.temporal.crash();
  const { code, stdout, stderr } = await watcher.ended;
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr.trim().split('\n').at(-1)).toMatch(
    /^error: Temporal does not answer any more;.*To attach again:/,
  );
  expect(stderr).not.toContain('    at ');
  await stack.temporal.start();
});
