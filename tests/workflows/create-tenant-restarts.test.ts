import { expect, test } from 'vitest';
import type { CreateTenantStep } from '../../client/contract.ts';
import type { ActivityName } from './fake-world.ts';
import { hold } from './interruptions.ts';
import {
  type CreateTenantHandle,
  command,
  newPurchase,
  send,
  stepsOf,
  untilWaiting,
} from './purchase-fixture.ts';
import { useWorkflows } from './workflow-fixture.ts';

const workflows = await useWorkflows({ clock: 'skips' });

/** Nothing is kept between two workflow tasks, so each of them replays the whole history. */
const FORGETFUL = { maxCachedWorkflows: 0 };
/** A server may hand a task to a worker in the instant in which it stops; it is given up after this time. */
const LOST_AFTER = '1 s';

const STEPS: { step: CreateTenantStep; activity: ActivityName }[] = [
  { step: 'verify_purchase', activity: 'verifyPurchase' },
  { step: 'create_tenant', activity: 'createTenant' },
  { step: 'import_subscription', activity: 'importSubscriptions' },
  { step: 'send_invitation', activity: 'sendInvitation' },
  { step: 'tag_customer', activity: 'tagCustomer' },
  { step: 'tag_subscription', activity: 'tagSubscriptions' },
  { step: 'claim_events', activity: 'claimEvents' },
];

test.each(STEPS)(
  'I10: a worker that stops after $step is followed by one that goes on there',
  async ({ step, activity }) => {
    const { world, start, input } = newPurchase(workflows);
    const first = await workflows.startWorkers(crypto.randomUUID(), FORGETFUL);
    const { interruption, reached, release } = hold();
    world.interrupt(activity, interruption);
    const handle = await start(input, { taskQueue: first.taskQueue, workflowTaskTimeout: LOST_AFTER });
    await reached;
    await expect.poll(() => runningSteps(handle)).toEqual([step]);
    const stopped = first.stop();
    release();
    await stopped;
    expect(world.callsOf(activity)).toHaveLength(1);
    const second = await workflows.startWorkers(first.taskQueue, FORGETFUL);
    const { tenant, licensed_user_count } = await handle.result();
    await second.stop();
    expect(licensed_user_count).toBe(10);
    expect(world.effects).toHaveLength(STEPS.length - 1);
    expect(world.mails).toEqual([{ tenant, to: input.email }]);
  },
);

test('a run that waits for an operator waits on in the next worker, which takes the command', async () => {
  const { world, start, input } = newPurchase(workflows);
  world.break('tagCustomer', 'StripePermissionDenied');
  const first = await workflows.startWorkers(crypto.randomUUID(), FORGETFUL);
  const handle = await start(input, { taskQueue: first.taskQueue, workflowTaskTimeout: LOST_AFTER });
  await untilWaiting(handle, 'tag_customer');
  const before = await stepsOf(handle);
  await first.stop();
  const second = await workflows.startWorkers(first.taskQueue, FORGETFUL);
  expect(await stepsOf(handle)).toEqual(before);
  await send(handle, 'abandon', command('tag_customer'));
  await handle.result();
  await second.stop();
  expect(world.audit).toMatchObject([{ action: 'abandon', step: 'tag_customer' }]);
});

async function runningSteps(handle: CreateTenantHandle): Promise<string[]> {
  return (await stepsOf(handle)).filter(({ state }) => state === 'running').map(({ name }) => name);
}
