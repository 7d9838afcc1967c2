import { WorkflowUpdateFailedError } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { hold } from './interruptions.ts';
import {
  type CreateTenantHandle,
  command,
  newPurchase,
  type PurchaseFixture,
  send,
  stepOf,
  untilWaiting,
} from './purchase-fixture.ts';
import { useWorkflows } from './workflow-fixture.ts';

const workflows = await useWorkflows({ clock: 'ticks' });

/** A run whose step tag_customer waits for an operator. */
async function waitingRun(): Promise<PurchaseFixture & { handle: CreateTenantHandle }> {
  const purchase = newPurchase(workflows);
  purchase.world.break('tagCustomer', 'StripePermissionDenied');
  const handle = await purchase.start();
  await untilWaiting(handle, 'tag_customer');
  return { ...purchase, handle };
}

async function refusalOf(sent: Promise<void>): Promise<string> {
  const error = await sent.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WorkflowUpdateFailedError)) throw new Error('was not refused', { cause: error });
  expect(error.cause).toMatchObject({ type: 'InvalidInput' });
  return error.cause?.message ?? '';
}

const GOOD = command('tag_customer');
const COMMANDS: { what: string; update: 'retry' | 'amend' | 'abandon'; value: object; says: string }[] = [
  {
    what: 'a step that is done',
    update: 'retry',
    value: { ...GOOD, step: 'claim_events' },
    says: 'it is done',
  },
  {
    what: 'a step there is not',
    update: 'abandon',
    value: { ...GOOD, step: 'party' },
    says: 'it is not begun',
  },
  { what: 'no step', update: 'retry', value: { ...GOOD, step: undefined }, says: 'step' },
  { what: 'no actor', update: 'retry', value: { ...GOOD, actor: undefined }, says: 'actor' },
  { what: 'a blank actor', update: 'abandon', value: { ...GOOD, actor: '  ' }, says: 'actor' },
  { what: 'no reason', update: 'abandon', value: { ...GOOD, reason: undefined }, says: 'reason' },
  {
    what: 'an endless reason',
    update: 'retry',
    value: { ...GOOD, reason: 'x'.repeat(2_001) },
    says: 'reason',
  },
  { what: 'an unknown field', update: 'retry', value: { ...GOOD, force: true }, says: 'force' },
  { what: 'nothing to amend', update: 'amend', value: GOOD, says: 'at least one' },
  { what: 'a bad e-mail', update: 'amend', value: { ...GOOD, email: 'x' }, says: 'email' },
  {
    what: 'a negative count',
    update: 'amend',
    value: { ...GOOD, initial_license_count: -1 },
    says: 'initial_license_count',
  },
  {
    what: 'half a licence',
    update: 'amend',
    value: { ...GOOD, initial_license_count: 0.5 },
    says: 'initial_license_count',
  },
  {
    what: 'a customer for a subscription',
    update: 'amend',
    value: { ...GOOD, stripe_subscription_id: 'cus_1' },
    says: 'stripe_subscription_id',
  },
  { what: 'no object', update: 'retry', value: [], says: '' },
];

describe('a command is refused at the door, changes nothing and is not recorded', async () => {
  test.each(COMMANDS)('$update with $what', async ({ update, value, says }) => {
    const { world, handle } = await waitingRun();
    expect(await refusalOf(send(handle, update, value))).toContain(says);
    expect(await stepOf(handle, 'tag_customer')).toMatchObject({ state: 'waiting' });
    expect(world.callsOf('recordOperatorAction')).toEqual([]);
    expect(world.callsOf('tagCustomer')).toHaveLength(1);
    await handle.terminate();
  });
});

test('a step that runs takes no command', async () => {
  const { world, start } = newPurchase(workflows);
  const tagging = hold();
  world.interrupt('tagCustomer', tagging.interruption);
  const handle = await start();
  await tagging.reached;
  expect(await refusalOf(send(handle, 'abandon', GOOD))).toContain('it is running');
  tagging.release();
  await handle.result();
});

test.each([
  { updates: ['retry', 'retry'] as const },
  { updates: ['retry', 'abandon'] as const },
  { updates: ['abandon', 'retry'] as const },
])(
  'of two commands at once for one step, $updates, one wins and the other is refused',
  async ({ updates }) => {
    const { world, handle } = await waitingRun();
    const recording = hold();
    world.interrupt('recordOperatorAction', recording.interruption);
    world.mend('tagCustomer');
    const sent = Promise.allSettled(updates.map((update) => send(handle, update, GOOD)));
    await recording.reached;
    recording.release();
    const outcomes = await sent;
    await handle.result();
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(refused?.reason).toBeInstanceOf(WorkflowUpdateFailedError);
    expect(world.audit).toHaveLength(1);
    const wasRetried = world.audit[0]?.action === 'retry';
    expect(world.keysOf('tagCustomer')).toHaveLength(wasRetried ? 1 : 0);
  },
);

test('a command that comes while another one is being recorded is refused', async () => {
  const { world, handle } = await waitingRun();
  const recording = hold();
  world.interrupt('recordOperatorAction', recording.interruption);
  const first = send(handle, 'abandon', GOOD);
  await recording.reached;
  expect(await refusalOf(send(handle, 'retry', GOOD))).toContain('another command for it');
  recording.release();
  await first;
  await handle.result();
  expect(world.audit).toMatchObject([{ action: 'abandon' }]);
});

test('commands for two steps at once are both carried out', async () => {
  const { world, start } = newPurchase(workflows);
  world.break('tagCustomer', 'StripePermissionDenied');
  world.break('claimEvents', 'DatabaseRefused');
  const handle = await start();
  await untilWaiting(handle, 'tag_customer', 'claim_events');
  world.mend('claimEvents');
  await Promise.all([
    send(handle, 'abandon', command('tag_customer')),
    send(handle, 'retry', command('claim_events')),
  ]);
  await handle.result();
  expect(world.keysOf('tagCustomer')).toEqual([]);
  expect(world.keysOf('claimEvents')).toHaveLength(1);
  expect(world.audit).toHaveLength(2);
});

test('the same update sent twice under one id is carried out and recorded once', async () => {
  const { world, handle } = await waitingRun();
  world.mend('tagCustomer');
  const options = { args: [GOOD] as [object], updateId: 'from-a-client-that-retries' };
  await Promise.all([1, 2].map(() => handle.executeUpdate<void, [object]>('retry', options)));
  await handle.result();
  expect(world.audit).toHaveLength(1);
});
