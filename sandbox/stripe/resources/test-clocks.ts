import { z } from 'zod';
import { invalidRequest, noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import { text, timestamp } from '../api/parameters.ts';
import { furthestAdvance } from '../billing/subscriptions/test-clock-reach.ts';
import { type Resource, route } from '../resource.ts';
import { dueWork } from '../state/due-work.ts';
import { type TestClock, testClockTable } from '../state/test-clocks.ts';
import type { Transaction } from '../state/transaction.ts';

/** How long Stripe keeps a clock: 30 days of real time. */
const lifeSeconds = 30 * 86_400;

const createParameters = z.strictObject({ frozen_time: timestamp, name: text.optional() });

function create(tx: Transaction, parameters: z.infer<typeof createParameters>): TestClock {
  const clock = tx.put(testClockTable, {
    id: tx.newId('clock'),
    object: 'test_helpers.test_clock',
    created: tx.now,
    deletes_after: tx.now + lifeSeconds,
    frozen_time: parameters.frozen_time,
    livemode: false,
    name: parameters.name ?? null,
    status: 'ready',
    status_details: {},
  });
  tx.emit('test_helpers.test_clock.created', clock);
  return clock;
}

/** The answer comes at once; what is due until then happens afterwards, and ends with `ready`. */
function advance(tx: Transaction, id: string, target: number): TestClock {
  const clock = existing(tx, id);
  if (clock.status === 'advancing') {
    throw invalidRequest({ message: 'The test clock is still advancing. Wait until its status is ready.' });
  }
  if (target <= clock.frozen_time) {
    throw invalidRequest({
      param: 'frozen_time',
      message: "The new frozen time must be after the test clock's current frozen time.",
    });
  }
  if (target > furthestAdvance(tx, clock)) {
    throw invalidRequest({
      param: 'frozen_time',
      message:
        'The new frozen time can be no more than two intervals of the shortest subscription on the test clock away, or two years when there is none.',
    });
  }
  const advancing = tx.put(testClockTable, {
    ...clock,
    status: 'advancing',
    status_details: { advancing: { target_frozen_time: target } },
  });
  tx.emit('test_helpers.test_clock.advancing', advancing);
  return advancing;
}

/** The customers that were made on it go with it: they react to its event. */
function remove(tx: Transaction, id: string): object {
  const clock = existing(tx, id);
  tx.remove(testClockTable, id);
  tx.emit('test_helpers.test_clock.deleted', clock);
  return { id, object: 'test_helpers.test_clock', deleted: true };
}

function existing(tx: Transaction, id: string): TestClock {
  const clock = tx.get(testClockTable, id);
  if (!clock) throw noSuchInPath('testclock', id);
  return clock;
}

export const testClocks: Resource = {
  object: 'test_helpers.test_clock',
  keeps: 'time, name, status; its customers go with it',
  expandable: {},
  find: (tx, id) => tx.get(testClockTable, id),
  due: dueWork(testClockTable, (tx, clock) => remove(tx, clock.id)),
  routes: [
    route({
      method: 'POST',
      path: '/v1/test_helpers/test_clocks',
      parameters: createParameters,
      handle: ({ tx, parameters }) => create(tx, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/test_helpers/test_clocks/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => existing(tx, id),
    }),
    route({
      method: 'DELETE',
      path: '/v1/test_helpers/test_clocks/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => remove(tx, id),
    }),
    route({
      method: 'POST',
      path: '/v1/test_helpers/test_clocks/:id/advance',
      parameters: z.strictObject({ frozen_time: timestamp }),
      handle: ({ tx, id, parameters }) => advance(tx, id, parameters.frozen_time),
    }),
    route({
      method: 'GET',
      path: '/v1/test_helpers/test_clocks',
      parameters: z.strictObject(listParameters),
      handle: ({ tx, parameters }) =>
        pageOfTable(tx, {
          table: testClockTable,
          parameters,
          render: (clock) => clock,
          url: '/v1/test_helpers/test_clocks',
        }),
    }),
  ],
};
