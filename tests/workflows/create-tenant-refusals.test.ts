import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import {
  type CreateTenantInput,
  type CreateTenantProgress,
  QUERIES,
  searchAttributeKey,
  UPDATES,
} from '../../client/contract.ts';
import { FAILURES, type FailureName } from '../../domain/failures.ts';
import { failBefore, hold } from './interruptions.ts';
import { type CreateTenantHandle, newPurchase } from './purchase-fixture.ts';
import { useWorkflows } from './workflow-fixture.ts';

const workflows = await useWorkflows({ clock: 'ticks' });

async function failureOf(handle: CreateTenantHandle): Promise<ApplicationFailure> {
  const error = await handle.result().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WorkflowFailedError)) throw new Error('did not fail', { cause: error });
  if (!(error.cause instanceof ApplicationFailure))
    throw new Error('no named failure', { cause: error.cause });
  return error.cause;
}

const FINAL: FailureName[] = [
  'CustomerNotFound',
  'CustomerDeleted',
  'SubscriptionOfAnotherCustomer',
  'StripePermissionDenied',
];

describe('before the row exists', () => {
  test.each(FINAL)(
    '%s ends the run as Failed by that name, at once and with nothing written',
    async (name) => {
      const { world, start } = newPurchase(workflows);
      world.break('verifyPurchase', name);
      const handle = await start();
      expect(await failureOf(handle)).toMatchObject({ type: name, message: 'Broken by the test' });
      expect((await handle.describe()).status.name).toBe('FAILED');
      const { steps } = await handle.query<CreateTenantProgress, []>(QUERIES.progress);
      expect(steps).toEqual([
        { name: 'verify_purchase', state: 'running', reason: expect.stringContaining(name) },
      ]);
      expect(world.calls).toHaveLength(1);
      expect(world.effects).toEqual([]);
    },
  );

  test('a row that Postgres refuses ends the run as Failed, and no later step begins', async () => {
    const { world, start } = newPurchase(workflows);
    world.break('createTenant', 'DatabaseRefused');
    expect(await failureOf(await start())).toMatchObject({ type: 'DatabaseRefused' });
    expect(world.calls.map((call) => call.activity)).toEqual(['verifyPurchase', 'createTenant']);
    expect(world.effects).toEqual([]);
  });

  test('whoever waits for `tenant` gets the failure', async () => {
    const { world, start } = newPurchase(workflows);
    const verifying = hold();
    world.interrupt('verifyPurchase', verifying.interruption, failBefore('CustomerDeleted'));
    world.interrupt('createTenant', failBefore('DatabaseRefused'));
    const handle = await start();
    await verifying.reached;
    const asked = handle.executeUpdate<string, []>(UPDATES.tenant).catch((error: unknown) => error);
    verifying.release();
    expect(await failureOf(handle)).toMatchObject({ type: 'DatabaseRefused' });
    const answer = await asked;
    expect(answer).toBeInstanceOf(WorkflowUpdateFailedError);
    expect((answer as WorkflowUpdateFailedError).cause).toMatchObject({ type: 'DatabaseRefused' });
  });

  test('a failed run says so in its state and tells what to do in its details', async () => {
    const { world, start } = newPurchase(workflows);
    world.break('verifyPurchase', 'CustomerDeleted');
    const handle = await start();
    await failureOf(handle);
    const { typedSearchAttributes } = await handle.describe();
    expect(typedSearchAttributes.get(searchAttributeKey('tenantryState'))).toBe('failed');
    const details = JSON.stringify(await handle.query('__temporal_workflow_metadata'));
    expect(details).toContain('Tenant creation: failed');
    expect(details).toContain(FAILURES.CustomerDeleted.advice);
  });

  test('a run that failed may be started again with a corrected purchase', async () => {
    const { world, input, start } = newPurchase(workflows);
    world.break('verifyPurchase', 'SubscriptionOfAnotherCustomer');
    await failureOf(await start());
    world.mend('verifyPurchase');
    expect(await (await start(input)).result()).toMatchObject({ licensed_user_count: 10 });
    expect(world.tenants.size).toBe(1);
  });
});

const NEGATIVE = { initial_license_count: -1 };
const BAD_INPUTS: { what: string; change: object; field: string }[] = [
  { what: 'an e-mail without @', change: { email: 'customer.example' }, field: 'email' },
  { what: 'an e-mail that would break a header', change: { email: 'a@b\r\nBcc: c@d' }, field: 'email' },
  { what: 'an e-mail of 255 characters', change: { email: `${'a'.repeat(253)}@b` }, field: 'email' },
  { what: 'no e-mail', change: { email: undefined }, field: 'email' },
  { what: 'no client name', change: { client_name: undefined }, field: 'client_name' },
  { what: 'a blank client name', change: { client_name: '  ' }, field: 'client_name' },
  { what: 'a client name of 201', change: { client_name: 'x'.repeat(201) }, field: 'client_name' },
  {
    what: 'a customer id of another kind',
    change: { stripe_customer_id: 'sub_1' },
    field: 'stripe_customer_id',
  },
  { what: 'a customer id that is a number', change: { stripe_customer_id: 1 }, field: 'stripe_customer_id' },
  {
    what: 'a subscription id of another kind',
    change: { stripe_subscription_id: 'cus_1' },
    field: 'stripe_subscription_id',
  },
  {
    what: 'a subscription without its customer',
    change: { stripe_customer_id: undefined },
    field: 'stripe_customer_id',
  },
  { what: 'a negative count', change: NEGATIVE, field: 'initial_license_count' },
  { what: 'half a licence', change: { initial_license_count: 1.5 }, field: 'initial_license_count' },
  {
    what: 'a count above a million',
    change: { initial_license_count: 1_000_001 },
    field: 'initial_license_count',
  },
  { what: 'a count in words', change: { initial_license_count: '10' }, field: 'initial_license_count' },
];

describe('a direct start with bad input ends as Failed with InvalidInput before any activity', () => {
  test.each(BAD_INPUTS)('$what', async ({ change, field }) => {
    const { world, input, start } = newPurchase(workflows);
    const failure = await failureOf(await start({ ...input, ...change } as CreateTenantInput));
    expect(failure).toMatchObject({ type: 'InvalidInput', nonRetryable: true });
    expect(failure.message).toContain(field);
    expect(world.calls).toEqual([]);
  });

  test('every wrong field is named', async () => {
    const { input, start } = newPurchase(workflows);
    const failure = await failureOf(await start({ ...input, ...NEGATIVE, email: 'x', client_name: '' }));
    for (const field of ['email', 'client_name', 'initial_license_count'])
      expect(failure.message).toContain(field);
  });

  test.each([null, 'text', 7, []])('no object at all: %j', async (input) => {
    const { world, start } = newPurchase(workflows);
    const failure = await failureOf(await start(input as unknown as CreateTenantInput));
    expect(failure.type).toBe('InvalidInput');
    expect(world.calls).toEqual([]);
  });
});
