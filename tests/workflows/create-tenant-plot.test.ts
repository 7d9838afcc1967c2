import { expect, test } from 'vitest';
import { CREATE_TENANT_STEPS, QUERIES, searchAttributeKey, UPDATES } from '../../client/contract.ts';
import { APP_URL, FakeWorld } from './fake-world.ts';
import { hold } from './interruptions.ts';
import { newPurchase, stepsOf } from './purchase-fixture.ts';
import { useWorkflows } from './workflow-fixture.ts';

const workflows = await useWorkflows({ clock: 'ticks' });

test('a purchase becomes a tenant with its licences, its mail, its tags in Stripe and its early events', async () => {
  const { world, input, workflowId, start } = newPurchase(workflows);
  world.parkedEvents = 2;
  const handle = await start();
  const { tenant, licensed_user_count } = await handle.result();
  expect(licensed_user_count).toBe(10);
  expect([...world.tenants.keys()]).toEqual([tenant]);
  expect(world.mails).toEqual([{ tenant, to: input.email }]);
  const customer = input.stripe_customer_id;
  expect(world.callsOf('tagCustomer').map((call) => call.input)).toEqual([
    { customer, tenant, app_url: APP_URL, key: `${workflowId}/tag_customer` },
  ]);
  expect(world.callsOf('tagSubscriptions').map((call) => call.input)).toEqual([
    { subscriptions: [input.stripe_subscription_id], tenant, key: `${workflowId}/tag_subscription` },
  ]);
  expect(world.callsOf('claimEvents').map((call) => call.input)).toEqual([{ customer, tenant }]);
  expect(world.woken).toEqual([customer]);
});

test('the purchase is verified first, the row is written second, and nothing is done twice', async () => {
  const { world, start } = newPurchase(workflows);
  await (await start()).result();
  const order = world.calls.map((call) => call.activity);
  expect(order.slice(0, 3)).toEqual(['verifyPurchase', 'createTenant', 'importSubscriptions']);
  expect(order.slice(3).sort()).toEqual(['claimEvents', 'sendInvitation', 'tagCustomer', 'tagSubscriptions']);
});

test('a mail server that is away holds up nothing but the mail', async () => {
  const { world, start } = newPurchase(workflows);
  const sending = hold();
  const rest = hold();
  world.interrupt('sendInvitation', sending.interruption);
  world.interrupt('tagSubscriptions', rest.interruption);
  const handle = await start();
  await Promise.all([sending.reached, rest.reached]);
  rest.release();
  await expect
    .poll(async () => (await stepsOf(handle)).filter((step) => step.state !== 'done'))
    .toEqual([{ name: 'send_invitation', state: 'running' }]);
  sending.release();
  await handle.result();
});

test('the update `tenant` answers as soon as the row exists, while later steps still run', async () => {
  const { world, start } = newPurchase(workflows);
  const importing = hold();
  world.interrupt('importSubscriptions', importing.interruption);
  const handle = await start();
  const tenant = await handle.executeUpdate<string, []>(UPDATES.tenant);
  await importing.reached;
  expect([...world.tenants.keys()]).toEqual([tenant]);
  expect((await handle.describe()).status.name).toBe('RUNNING');
  importing.release();
  expect((await handle.result()).tenant).toBe(tenant);
});

test('the update `tenant` may come before the row exists, and is answered then', async () => {
  const { world, start } = newPurchase(workflows);
  const creating = hold();
  world.interrupt('createTenant', creating.interruption);
  const handle = await start();
  await creating.reached;
  const asked = [1, 2].map(() => handle.executeUpdate<string, []>(UPDATES.tenant));
  creating.release();
  const { tenant } = await handle.result();
  expect(await Promise.all(asked)).toEqual([tenant, tenant]);
});

test('`progress` shows each step in the order of the contract while it runs, and after the end', async () => {
  const { world, start } = newPurchase(workflows);
  const creating = hold();
  world.interrupt('createTenant', creating.interruption);
  const handle = await start();
  await creating.reached;
  expect(await stepsOf(handle)).toEqual([
    { name: 'verify_purchase', state: 'done' },
    { name: 'create_tenant', state: 'running' },
  ]);
  creating.release();
  await handle.result();
  expect(await stepsOf(handle)).toEqual(CREATE_TENANT_STEPS.map((name) => ({ name, state: 'done' })));
});

test('operators find a run by customer, subscription, tenant and state', async () => {
  const { input, start } = newPurchase(workflows);
  const handle = await start();
  const { tenant } = await handle.result();
  const { typedSearchAttributes } = await handle.describe();
  const found = (attribute: Parameters<typeof searchAttributeKey>[0]) =>
    typedSearchAttributes.get(searchAttributeKey(attribute));
  expect({
    tenant: found('tenantId'),
    customer: found('stripeCustomerId'),
    subscription: found('stripeSubscriptionId'),
    state: found('tenantryState'),
  }).toEqual({
    tenant,
    customer: input.stripe_customer_id,
    subscription: input.stripe_subscription_id,
    state: 'completed',
  });
});

test('the current details list every step, and hold neither e-mail nor name', async () => {
  const { input, start } = newPurchase(workflows);
  const handle = await start({ ...input, client_name: 'Very Secret Ltd' });
  await handle.result();
  const details = JSON.stringify(await handle.query('__temporal_workflow_metadata'));
  for (const step of CREATE_TENANT_STEPS) expect(details).toContain(`\`${step}\` done`);
  expect(details).toContain('Tenant creation: completed');
  expect(details).not.toContain(input.email);
  expect(details).not.toContain('Very Secret');
});

test('without a Stripe customer there is a tenant with the initial count and a mail, and nothing of Stripe', async () => {
  const world = new FakeWorld();
  const workflowId = `create-tenant-${crypto.randomUUID()}`;
  workflows.place(workflowId, world);
  const handle = await workflows.client.workflow.start('createTenantWorkflow', {
    workflowId,
    taskQueue: workflows.taskQueue,
    args: [{ email: 'a@b.example', client_name: 'Customer', initial_license_count: 7 }],
  });
  expect(await handle.result()).toMatchObject({ licensed_user_count: 7 });
  expect(world.calls.map((call) => call.activity)).toEqual(['createTenant', 'sendInvitation']);
  const { steps } = await handle.query<{ steps: { name: string; state: string }[] }>(QUERIES.progress);
  expect(steps.filter((step) => step.state === 'skipped').map((step) => step.name)).toEqual([
    'verify_purchase',
    'import_subscription',
    'tag_customer',
    'tag_subscription',
    'claim_events',
  ]);
});

test('a customer who belongs to a tenant already gets that tenant, and nobody is invited', async () => {
  const { world, start } = newPurchase(workflows);
  world.owner = crypto.randomUUID();
  const handle = await start();
  expect(await handle.result()).toEqual({ tenant: world.owner, licensed_user_count: 10 });
  expect(world.mails).toEqual([]);
  expect(await stepsOf(handle)).toContainEqual({
    name: 'send_invitation',
    state: 'skipped',
    reason: 'the customer belonged to a tenant already',
  });
});

test('fields that we do not know are ignored in a direct start', async () => {
  const { input, start } = newPurchase(workflows);
  const unknown = { ...input, coupon: 'SPRING' };
  expect(await (await start(unknown)).result()).toMatchObject({ licensed_user_count: 10 });
});
