import { ScheduleOverlapPolicy } from '@temporalio/client';
import { beforeEach, expect, test } from 'vitest';
import { SCHEDULE_NAMES, SEARCH_ATTRIBUTES, scheduleId } from '../../client/contract.ts';
import { ensureSchedules, registerSearchAttributes } from '../../worker/setup-temporal.ts';
import { useTemporal } from '../temporal.ts';

const { client, connection, namespace } = await useTemporal();

let taskQueue: string;
beforeEach(() => {
  taskQueue = `queue-${crypto.randomUUID()}`;
});
const sweep = () => client.schedule.getHandle(`sweep-webhook-events-${taskQueue}`);

/** What this version says, as the server has it. */
const wanted = () => ({
  spec: { intervals: [{ every: 30_000 }] },
  action: {
    type: 'startWorkflow',
    workflowType: 'sweepWebhookEventsWorkflow',
    workflowId: `sweep-webhook-events-${taskQueue}`,
    taskQueue,
    args: [],
    staticSummary: 'Wakes the billing syncs whose events are due',
  },
  policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: 60_000 },
});

test('I3 the set-up creates the sweep’s schedule; it runs every 30 s, one at a time', async () => {
  await ensureSchedules(client, taskQueue);
  expect(await sweep().describe()).toMatchObject({ ...wanted(), state: { paused: false } });
});

const HOUR_MS = 3_600_000;

test.each([
  ['reconcile-events', { every: HOUR_MS }, HOUR_MS, [{ only: 'events' }]],
  ['reconcile-billing-daily', { every: 24 * HOUR_MS, offset: 3 * HOUR_MS }, 24 * HOUR_MS, [{}]],
])(
  'the set-up creates the schedule %s, one run of it at a time',
  async (id, interval, catchupWindow, args) => {
    await ensureSchedules(client, taskQueue);
    const workflowId = `${id}-${taskQueue}`;
    expect(await client.schedule.getHandle(workflowId).describe()).toMatchObject({
      spec: { intervals: [interval] },
      action: {
        type: 'startWorkflow',
        workflowType: 'reconcileBillingWorkflow',
        workflowId,
        taskQueue,
        args,
      },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow },
      state: { paused: false },
    });
  },
);

test('every schedule of the contract is there, and no other of the queue', async () => {
  await ensureSchedules(client, taskQueue);
  const wantedIds = SCHEDULE_NAMES.map((name) => scheduleId(name, taskQueue)).sort();
  const listed = async () => {
    const ids: string[] = [];
    for await (const schedule of client.schedule.list()) ids.push(schedule.scheduleId);
    return ids.filter((id) => id.endsWith(taskQueue)).sort();
  };
  await expect.poll(listed).toEqual(wantedIds);
});

test('two set-ups at once, and one more after them, make one schedule', async () => {
  await Promise.all([ensureSchedules(client, taskQueue), ensureSchedules(client, taskQueue)]);
  await ensureSchedules(client, taskQueue);
  expect(await sweep().describe()).toMatchObject(wanted());
});

test('I3 a schedule that differs in anything is brought to what this version says', async () => {
  await client.schedule.create({
    scheduleId: sweep().scheduleId,
    spec: { intervals: [{ every: '1 hour' }, { every: '2 hours' }], jitter: '5 minutes' },
    action: {
      type: 'startWorkflow',
      workflowType: 'anotherWorkflow',
      workflowId: 'another',
      taskQueue: 'another',
      args: ['another'],
    },
    policies: { overlap: ScheduleOverlapPolicy.ALLOW_ALL, catchupWindow: '1 day', pauseOnFailure: true },
  });
  await ensureSchedules(client, taskQueue);
  const described = await sweep().describe();
  expect(described).toMatchObject({ ...wanted(), policies: { ...wanted().policies, pauseOnFailure: false } });
  expect(described.spec.intervals).toHaveLength(1);
  expect(described.spec.jitter ?? 0).toBe(0);
});

test('a schedule that somebody paused stays paused, with his note', async () => {
  await ensureSchedules(client, taskQueue);
  await sweep().pause('while the database moves');
  await ensureSchedules(client, taskQueue);
  expect((await sweep().describe()).state).toMatchObject({ paused: true, note: 'while the database moves' });
});

test('two task queues of one namespace are both swept, at the same second too', async () => {
  const other = `queue-${crypto.randomUUID()}`;
  await ensureSchedules(client, taskQueue);
  await ensureSchedules(client, other);
  const handles = [sweep(), client.schedule.getHandle(`sweep-webhook-events-${other}`)];
  await Promise.all(handles.map((handle) => handle.trigger()));
  const runs = async () => {
    const descriptions = await Promise.all(handles.map((handle) => handle.describe()));
    return descriptions.map(({ info }) => info.recentActions[0]?.action.workflow.workflowId);
  };
  await expect
    .poll(runs)
    .toEqual([taskQueue, other].map((queue) => expect.stringMatching(`^sweep-webhook-events-${queue}-20`)));
});

test('search attributes are registered once, by any number of set-ups', async () => {
  const register = () => registerSearchAttributes(connection, namespace);
  await Promise.all([register(), register()]);
  await register();
  const { customAttributes } = await connection.operatorService.listSearchAttributes({
    namespace: namespace,
  });
  expect(Object.keys(customAttributes ?? {})).toEqual(
    expect.arrayContaining(Object.values(SEARCH_ATTRIBUTES)),
  );
});
