import { CancelledFailure, WorkflowFailedError } from '@temporalio/client';
import { expect, test } from 'vitest';
import type { ActivityName } from './fake-world.ts';
import { hold } from './interruptions.ts';
import { type CreateTenantHandle, command, newPurchase, send, untilWaiting } from './purchase-fixture.ts';
import { useWorkflows } from './workflow-fixture.ts';

const workflows = await useWorkflows({ clock: 'ticks' });

async function expectCancelled(handle: CreateTenantHandle): Promise<void> {
  const error = await handle.result().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(WorkflowFailedError);
  expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
  expect((await handle.describe()).status.name).toBe('CANCELLED');
}

const HELD: ActivityName[] = [
  'verifyPurchase',
  'createTenant',
  'importSubscriptions',
  'sendInvitation',
  'tagCustomer',
  'tagSubscriptions',
  'claimEvents',
];

test.each(HELD)('a run cancelled in %s ends as Cancelled', async (activity) => {
  const { world, start } = newPurchase(workflows);
  const { interruption, reached, release } = hold();
  world.interrupt(activity, interruption);
  const handle = await start();
  await reached;
  await handle.cancel();
  await expectCancelled(handle);
  release();
});

test.each(['importSubscriptions', 'sendInvitation', 'tagSubscriptions', 'claimEvents'] as const)(
  'a run cancelled while %s waits for an operator ends as Cancelled',
  async (activity) => {
    const { world, start } = newPurchase(workflows);
    world.break(activity, 'StripeRequestRefused');
    const handle = await start();
    await expect.poll(async () => JSON.stringify(await handle.query('progress'))).toContain('"waiting"');
    await handle.cancel();
    await expectCancelled(handle);
  },
);

test('a run cancelled while one step waits and another runs ends as Cancelled', async () => {
  const { world, start } = newPurchase(workflows);
  world.break('importSubscriptions', 'StripeRequestRefused');
  const { interruption, reached, release } = hold();
  world.interrupt('claimEvents', interruption);
  const handle = await start();
  await reached;
  await handle.cancel();
  await expectCancelled(handle);
  release();
});

test('a run cancelled while an operator’s command is being recorded ends as Cancelled', async () => {
  const { world, start } = newPurchase(workflows);
  world.break('tagCustomer', 'StripePermissionDenied');
  const handle = await start();
  await untilWaiting(handle, 'tag_customer');
  const { interruption, reached, release } = hold();
  world.interrupt('recordOperatorAction', interruption);
  const sent = send(handle, 'retry', command('tag_customer')).catch((error: unknown) => error);
  await reached;
  await handle.cancel();
  await expectCancelled(handle);
  release();
  expect(await sent).toBeInstanceOf(Error);
});

test('a run cancelled while somebody waits for the tenant ends as Cancelled, and they are told', async () => {
  const { world, start } = newPurchase(workflows);
  const { interruption, reached, release } = hold();
  world.interrupt('createTenant', interruption);
  const handle = await start();
  await reached;
  const asked = handle.executeUpdate<string, []>('tenant').catch((error: unknown) => error);
  // The query is answered by a task that comes after the update's.
  await expect
    .poll(async () => JSON.stringify((await handle.fetchHistory()).events))
    .toContain('UpdateAccepted');
  await handle.cancel();
  await expectCancelled(handle);
  release();
  expect(await asked).toBeInstanceOf(Error);
});
