import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { expect, test } from 'vitest';
import { type Purchase, until, useSystem } from './system.ts';

const system = await useSystem();

test('I6: 20 identical checkouts, the webhooks and a direct start at once make one tenant and one mail', async () => {
  const purchase = await system.buy(10);
  const { stripe_customer_id: customer } = purchase;
  const session = await system.simulator.control.emitEvent({
    type: 'checkout.session.completed',
    object: { id: 'cs_test_unknown', object: 'checkout.session', customer, mode: 'subscription' },
  });
  const answers = await Promise.all([
    ...Array.from({ length: 20 }, () => system.checkOut(purchase)),
    startDirectly(purchase).then(() => undefined),
  ]);
  expect(answers.filter((answer) => answer !== undefined).map((answer) => answer.status)).toEqual(
    Array(20).fill(202),
  );
  const { tenant, licensed_user_count } = await system.client.workflow
    .getHandle(`create-tenant-${customer}`)
    .result();
  expect(licensed_user_count).toBe(10);
  expect(await tenantsOf(purchase)).toEqual([{ tenant }]);
  await until('every event is settled', async () => (await pendingEvents()) === 0);
  expect(system.mail.messages().filter((mail) => mail.to.includes(purchase.email))).toHaveLength(1);
  expect(session.id).toMatch(/^evt_/);
});

test('the same checkout after completion is answered 202 again, and another one 409', async () => {
  const purchase = await system.buy(3);
  await system.checkOut(purchase);
  await system.client.workflow.getHandle(`create-tenant-${purchase.stripe_customer_id}`).result();
  const again = await system.checkOut(purchase);
  expect([again.status, again.headers.get('location')]).toEqual([
    202,
    `/checkouts/create-tenant-${purchase.stripe_customer_id}`,
  ]);
  const other = await system.checkOut({ ...purchase, initial_license_count: 4 });
  expect([other.status, other.headers.get('content-type')]).toEqual([
    409,
    expect.stringContaining('problem+json'),
  ]);
  const shown = await fetch(`${system.gatewayUrl}${again.headers.get('location')}`, {
    headers: { authorization: `Bearer ${system.checkoutApiKey}` },
  });
  expect(await shown.json()).toMatchObject({ status: 'completed', licensed_user_count: 3 });
  expect(await tenantsOf(purchase)).toHaveLength(1);
});

test('a direct start that comes again after completion finds the same tenant and sends no second mail', async () => {
  const purchase = await system.buy(6);
  const first = await (await startDirectly(purchase)).result();
  const second = await (await startDirectly(purchase)).result();
  expect(second).toEqual(first);
  expect(system.mail.messages().filter((mail) => mail.to.includes(purchase.email))).toHaveLength(1);
});

test('one e-mail with two customers makes two tenants', async () => {
  const one = await system.buy(1);
  const two = { ...(await system.buy(2)), email: one.email };
  const results = await Promise.all(
    [one, two].map(async (purchase) => (await startDirectly(purchase)).result()),
  );
  expect(new Set(results.map((result) => result.tenant)).size).toBe(2);
});

test('a subscription that Stripe does not know lets provisioning go on and waits for an operator', async () => {
  const purchase = await system.buy(7);
  const workflowId = `create-tenant-${purchase.stripe_customer_id}`;
  await system.checkOut({ ...purchase, stripe_subscription_id: 'sub_unknown' });
  const handle = system.client.workflow.getHandle(workflowId);
  await until(
    'the import waits',
    async () => (await stepState(workflowId, 'import_subscription')) === 'waiting',
  );
  expect(await tenantsOf(purchase, 'licensed_user_count')).toEqual([{ licensed_user_count: 7 }]);
  const shown = await fetch(`${system.gatewayUrl}/checkouts/${workflowId}`, {
    headers: { authorization: `Bearer ${system.checkoutApiKey}` },
  });
  expect(await shown.json()).toMatchObject({ status: 'waiting', licensed_user_count: 7 });
  await handle.executeUpdate('amend', {
    args: [
      {
        step: 'import_subscription',
        actor: 'ops',
        reason: 'typo in the store',
        stripe_subscription_id: purchase.stripe_subscription_id,
      },
    ],
  });
  expect(await handle.result()).toMatchObject({ licensed_user_count: 7 });
  expect(
    await system.query('select actor, action, reason from audit_log where subject = $1', [workflowId]),
  ).toEqual([{ actor: 'ops', action: 'amend import_subscription', reason: 'typo in the store' }]);
});

test('a subscription of another customer ends the run as failed before anything is written', async () => {
  const [purchase, other] = [await system.buy(1), await system.buy(1)];
  const wrong = { ...purchase, stripe_subscription_id: other.stripe_subscription_id };
  const run = await startDirectly(wrong);
  await expect(run.result()).rejects.toMatchObject({ cause: { type: 'SubscriptionOfAnotherCustomer' } });
  expect(await tenantsOf(purchase)).toEqual([]);
});

test('the documented example with plain @temporalio/client makes a tenant', async () => {
  const purchase = await system.buy(2);
  const options = {
    customer: purchase.stripe_customer_id,
    subscription: purchase.stripe_subscription_id,
    email: purchase.email,
    name: purchase.client_name,
    licenses: String(purchase.initial_license_count),
  };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      '--import',
      'tsx',
      'docs/examples/start-with-plain-client.ts',
      ...Object.entries(options).flatMap(([k, v]) => [`--${k}`, v]),
    ],
    { env: { ...process.env, ...system.env } },
  );
  const [row] = await tenantsOf(purchase);
  expect(JSON.parse(stdout)).toMatchObject({ tenant: row?.tenant });
});

test('the gateway drains on SIGTERM: accepted checkouts are answered, then it exits with 0', async () => {
  const purchases = await Promise.all(Array.from({ length: 5 }, () => system.buy(1)));
  const answers = Promise.allSettled(purchases.map((purchase) => system.checkOut(purchase)));
  await until('the gateway accepted them', async () => {
    const metrics = await (await fetch(`${system.gatewayUrl}/health/live`)).status;
    return metrics === 200;
  });
  system.gateway.kill('SIGTERM');
  const exit = await system.gateway.exited;
  const statuses = (await answers).map((result) =>
    result.status === 'fulfilled' ? result.value.status : 'refused',
  );
  expect(exit).toEqual({ code: 0, signal: null });
  expect(statuses.filter((status) => status !== 202 && status !== 'refused' && status !== 503)).toEqual([]);
  await system.gateway.restart();
});

async function startDirectly(purchase: Purchase) {
  const workflowId = `create-tenant-${purchase.stripe_customer_id}`;
  try {
    return await system.client.workflow.start('createTenantWorkflow', {
      args: [purchase],
      taskQueue: 'alga-psa-workflows',
      workflowId,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return system.client.workflow.getHandle(workflowId);
  }
}

function tenantsOf(purchase: Purchase, column = 'tenant'): Promise<Record<string, unknown>[]> {
  return system.query(
    `select t.${column} from tenants t join stripe_customers c using (tenant)
    where c.stripe_customer_external_id = $1`,
    [purchase.stripe_customer_id],
  );
}

async function stepState(workflowId: string, name: string): Promise<string | undefined> {
  const { steps } = await system.tenancy.progressOf(workflowId);
  return steps.find((step) => step.name === name)?.state;
}

async function pendingEvents(): Promise<number> {
  const rows = await system.query(`select 1 from stripe_webhook_events where status = 'received'`);
  return rows.length;
}
