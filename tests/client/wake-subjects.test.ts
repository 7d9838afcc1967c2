import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { expect, test } from 'vitest';
import { TemporalUnavailable } from '../../client/temporal-unavailable.ts';
import { wakeSubjects } from '../../client/wake-subjects.ts';

/** A server that takes each signal as `answer` says. */
function fakeClient(answer: (subject: string) => Promise<void>): Client {
  return {
    connection: { withDeadline: (_: number, call: () => Promise<unknown>) => call() },
    workflow: {
      signalWithStart: (_: string, options: { args: [{ subject: string }] }) =>
        answer(options.args[0].subject),
    },
  } as unknown as Client;
}

const subjects = Array.from({ length: 100 }, (_, index) => `cus_${index}`);

test('I12: of many subjects each is woken once, and never more than ten at the same time', async () => {
  const woken: string[] = [];
  let [now, most] = [0, 0];
  const client = fakeClient(async (subject) => {
    now += 1;
    most = Math.max(most, now);
    await delay(1);
    now -= 1;
    woken.push(subject);
  });
  expect(await wakeSubjects(client, { subjects, taskQueue: 'q' })).toEqual([]);
  expect(woken.sort()).toEqual([...subjects].sort());
  expect(most).toBe(10);
});

test('once Temporal is away the others are not tried, and all that were not woken are told', async () => {
  let calls = 0;
  const client = fakeClient(async () => {
    calls += 1;
    throw new TemporalUnavailable('away');
  });
  const left = await wakeSubjects(client, { subjects, taskQueue: 'q' });
  expect(left.sort()).toEqual([...subjects].sort());
  expect(calls).toBeLessThanOrEqual(10);
});

test('a subject that Temporal refuses keeps no other one from being woken', async () => {
  const client = fakeClient(async (subject) => {
    if (subject === 'cus_7') throw new Error('its history is full');
  });
  expect(await wakeSubjects(client, { subjects, taskQueue: 'q' })).toEqual(['cus_7']);
});
