import pg from 'pg';
import { expect, test } from 'vitest';
import type { InboxOutcome, InboxRow } from '../../db/inbox.ts';
import { routeEvent } from '../../domain/webhook-event.ts';
import { type InboxLimits, InboxWriter } from '../../webhook-gateway/inbox-writer.ts';

function row(id: string): InboxRow {
  const event = { id, type: 'customer.updated', data: { object: { id: 'cus_1' } } };
  const routed = routeEvent(event, false);
  if (routed === undefined) throw new Error('no event');
  return { ...routed, payload: JSON.stringify(event) };
}

function sqlError(code: string): Error {
  const error = new pg.DatabaseError('refused', 0, 'error');
  error.code = code;
  return error;
}

/** A writer whose inserts wait until the test lets them commit or fail. */
function heldWriter(limits: Partial<InboxLimits> = {}) {
  const groups: { ids: string[]; commit: () => void; fail: (error: Error) => void }[] = [];
  const errors: unknown[] = [];
  const writer = new InboxWriter({
    insert: (rows) =>
      new Promise<InboxOutcome[]>((resolve, reject) => {
        groups.push({
          ids: rows.map(({ stripeEventId }) => stripeEventId),
          commit: () => resolve(rows.map(() => 'stored')),
          fail: reject,
        });
      }),
    limits,
    onGroup: () => undefined,
    onError: (error) => errors.push(error),
  });
  const nextGroup = async (number: number) => {
    await expect.poll(() => groups.length, { interval: 1 }).toBeGreaterThanOrEqual(number);
    const group = groups[number - 1];
    if (group === undefined) throw new Error('no group');
    return group;
  };
  return { writer, groups, errors, nextGroup };
}

test('all requests of a moment share one insert, and those that come meanwhile the next', async () => {
  const { writer, groups, nextGroup } = heldWriter({ groupsInFlightMax: 1 });
  const first = ['a', 'b', 'c'].map((id) => writer.store(row(id), 10));
  const group = await nextGroup(1);
  expect(group.ids).toEqual(['a', 'b', 'c']);
  const second = ['d', 'e'].map((id) => writer.store(row(id), 10));
  group.commit();
  expect(await Promise.all(first)).toEqual(Array(3).fill({ outcome: 'stored' }));
  expect((await nextGroup(2)).ids).toEqual(['d', 'e']);
  (await nextGroup(2)).commit();
  await Promise.all(second);
  expect(groups).toHaveLength(2);
});

test('a group has at most so many rows and bytes, and a row above the limit goes alone', async () => {
  const { writer, groups } = heldWriter({ groupRowsMax: 2, groupBytesMax: 100, groupsInFlightMax: 9 });
  for (const [id, bytes] of [
    ['a', 10],
    ['b', 10],
    ['c', 60],
    ['d', 60],
    ['e', 500],
  ] as const) {
    void writer.store(row(id), bytes);
  }
  await expect.poll(() => groups.map((group) => group.ids)).toEqual([['a', 'b'], ['c'], ['d'], ['e']]);
  for (const group of groups) group.commit();
});

test('what waits beyond the limits is refused at once', async () => {
  const limits = { groupsInFlightMax: 0, waitingRowsMax: 2, waitingBytesMax: 100, waitMs: 50 };
  const { writer } = heldWriter(limits);
  const waiting = [writer.store(row('a'), 10)];
  expect(await writer.store(row('big'), 91)).toEqual({ outcome: 'unavailable', reason: 'overloaded' });
  waiting.push(writer.store(row('b'), 10));
  expect(await writer.store(row('c'), 10)).toEqual({ outcome: 'unavailable', reason: 'overloaded' });
  expect(await Promise.all(waiting)).toEqual(Array(2).fill({ outcome: 'unavailable', reason: 'late' }));
});

test('I1: an insert that doesn’t end in time is no acknowledgement', async () => {
  const { writer, nextGroup } = heldWriter({ waitMs: 30 });
  const answer = writer.store(row('a'), 10);
  await nextGroup(1);
  expect(await answer).toEqual({ outcome: 'unavailable', reason: 'late' });
});

test('what was answered gives its room back, however it ended', async () => {
  const { writer, nextGroup } = heldWriter({ waitingRowsMax: 1, waitingBytesMax: 100, waitMs: 1_000 });
  const ends = [
    ({ commit }: { commit: () => void }) => commit(),
    ({ fail }: { fail: (error: Error) => void }) => fail(new Error('away')),
    ({ fail }: { fail: (error: Error) => void }) => fail(sqlError('22021')),
  ];
  const outcomes: unknown[] = [];
  for (const [index, end] of ends.entries()) {
    const answer = writer.store(row(`r${index}`), 100);
    end(await nextGroup(index + 1));
    outcomes.push((await answer).outcome);
  }
  expect(outcomes).toEqual(['stored', 'unavailable', 'refused']);
  expect(writer.waiting).toBe(0);
});

test('a row whose sender was told that it came too late is not written any more', async () => {
  const { writer, groups, nextGroup } = heldWriter({ groupsInFlightMax: 1, waitMs: 50 });
  const answers = [writer.store(row('a'), 10)];
  const first = await nextGroup(1);
  answers.push(writer.store(row('b'), 10));
  expect(await Promise.all(answers)).toEqual(Array(2).fill({ outcome: 'unavailable', reason: 'late' }));
  first.commit();
  const closing = writer.close();
  await closing;
  expect(groups.map(({ ids }) => ids)).toEqual([['a']]);
});

test('I1: a row that breaks a constraint is a fault of ours: it may come again, and the others are stored', async () => {
  const writer = new InboxWriter({
    insert: async (rows) => {
      if (rows.some(({ stripeEventId }) => stripeEventId === 'bad')) throw sqlError('23514');
      return rows.map(() => 'stored');
    },
    onGroup: () => undefined,
    onError: () => undefined,
  });
  expect(await Promise.all(['a', 'bad', 'b'].map((id) => writer.store(row(id), 10)))).toEqual([
    { outcome: 'stored' },
    { outcome: 'unavailable', reason: 'database_away' },
    { outcome: 'stored' },
  ]);
});

test('I1: a row of which the insert tells nothing is not acknowledged', async () => {
  const writer = new InboxWriter({
    insert: async () => ['stored'],
    onGroup: () => undefined,
    onError: () => undefined,
  });
  const answers = await Promise.all(['a', 'b'].map((id) => writer.store(row(id), 10)));
  expect(answers).toEqual([{ outcome: 'stored' }, { outcome: 'unavailable', reason: 'database_away' }]);
});

test('one bad row costs only itself, with at most twice as many statements as rows', async () => {
  let statements = 0;
  const bad = new Set(['e3', 'e7', 'e8']);
  const writer = new InboxWriter({
    insert: async (rows) => {
      statements += 1;
      if (rows.some(({ stripeEventId }) => bad.has(stripeEventId))) throw sqlError('22021');
      return rows.map(() => 'stored');
    },
    onGroup: () => undefined,
    onError: () => undefined,
  });
  const ids = Array.from({ length: 16 }, (_, index) => `e${index}`);
  const answers = await Promise.all(ids.map((id) => writer.store(row(id), 10)));
  expect(answers).toEqual(
    ids.map((id) => (bad.has(id) ? { outcome: 'refused', sqlState: '22021' } : { outcome: 'stored' })),
  );
  expect(statements).toBeLessThanOrEqual(31);
});

test('when the database is away the group is not split, and nobody is acknowledged', async () => {
  const { writer, groups, errors, nextGroup } = heldWriter();
  const answers = ['a', 'b'].map((id) => writer.store(row(id), 10));
  (await nextGroup(1)).fail(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
  expect(await Promise.all(answers)).toEqual(
    Array(2).fill({ outcome: 'unavailable', reason: 'database_away' }),
  );
  expect([groups.length, errors.length]).toEqual([1, 1]);
});

test('close() commits what waits and takes nothing more', async () => {
  const { writer, nextGroup } = heldWriter({ groupsInFlightMax: 1, groupRowsMax: 1 });
  const answers = ['a', 'b'].map((id) => writer.store(row(id), 10));
  let isClosed = false;
  const closing = writer.close().then(() => {
    isClosed = true;
  });
  expect(await writer.store(row('c'), 10)).toEqual({ outcome: 'unavailable', reason: 'closing' });
  (await nextGroup(1)).commit();
  const last = await nextGroup(2);
  expect(isClosed).toBe(false);
  last.commit();
  await closing;
  expect(await Promise.all(answers)).toEqual(Array(2).fill({ outcome: 'stored' }));
});

test('is busy from so many rows within its window, and idle again when none come', async () => {
  const { writer } = heldWriter({ busyRows: 3, busyWindowMs: 50 });
  for (const id of ['a', 'b']) void writer.store(row(id), 10);
  expect(writer.isBusy()).toBe(false);
  void writer.store(row('c'), 10);
  expect(writer.isBusy()).toBe(true);
  await expect.poll(() => writer.isBusy(), { interval: 10 }).toBe(false);
});
