import { expect, test } from 'vitest';
import { type WakeOutcome, Waker, type WakerLimits } from '../../webhook-gateway/waker.ts';

/** A waker whose wakes wait until the test lets them go well or fail. */
function heldWaker(limits: Partial<WakerLimits> = {}, isWriterBusy = () => false) {
  const wakes: { subject: string; succeed: () => void; fail: () => void; refuse: () => void }[] = [];
  const outcomes: WakeOutcome[] = [];
  const waker = new Waker({
    wake: (subject) =>
      new Promise<void>((resolve, reject) => {
        wakes.push({
          subject,
          succeed: resolve,
          fail: () => reject(new Error('away')),
          refuse: () => reject(new Error('refused')),
        });
      }),
    isWriterBusy,
    isRefusal: (error) => error instanceof Error && error.message === 'refused',
    limits: { pauseFirstMs: 1, pauseMaxMs: 4, drainMs: 50, ...limits },
    onOutcome: (outcome) => outcomes.push(outcome),
    onError: () => undefined,
  });
  const wake = async (number: number) => {
    await expect.poll(() => wakes.length, { interval: 1 }).toBeGreaterThanOrEqual(number);
    const found = wakes[number - 1];
    if (found === undefined) throw new Error('no wake');
    return found;
  };
  return { waker, wakes, outcomes, wake };
}

test('many notices of a subject before its wake are one wake, one during it makes one more', async () => {
  const { waker, wakes, wake } = heldWaker({ inFlightMax: 1 });
  waker.notice('a');
  for (let notice = 0; notice < 5; notice += 1) waker.notice('b');
  for (let notice = 0; notice < 5; notice += 1) waker.notice('a');
  for (const number of [1, 2, 3]) (await wake(number)).succeed();
  await waker.close();
  expect(wakes.map(({ subject }) => subject)).toEqual(['a', 'b', 'a']);
});

test('only so many wakes are under way at once', async () => {
  const { waker, wakes, wake } = heldWaker({ inFlightMax: 2 });
  for (const subject of ['a', 'b', 'c']) waker.notice(subject);
  expect(wakes.map(({ subject }) => subject)).toEqual(['a', 'b']);
  (await wake(1)).succeed();
  expect((await wake(3)).subject).toBe('c');
});

test('a failed wake comes again after a pause, one at a time until one goes well', async () => {
  const { waker, wakes, outcomes, wake } = heldWaker({ inFlightMax: 2 });
  for (const subject of ['a', 'b', 'c', 'd']) waker.notice(subject);
  for (const number of [1, 2]) (await wake(number)).fail();
  (await wake(3)).succeed();
  await expect.poll(() => wakes.length).toBe(5);
  for (const number of [4, 5]) (await wake(number)).succeed();
  (await wake(6)).succeed();
  await waker.close();
  expect(wakes.map(({ subject }) => subject).sort()).toEqual(['a', 'a', 'b', 'b', 'c', 'd']);
  expect(outcomes.filter((outcome) => outcome === 'woken')).toHaveLength(4);
});

test('a subject that Temporal refuses is left to the sweep at once, and holds up nobody else', async () => {
  const { waker, wakes, outcomes, wake } = heldWaker({ inFlightMax: 2, pauseFirstMs: 60_000 });
  for (const subject of ['refused', 'a', 'b', 'c']) waker.notice(subject);
  (await wake(1)).refuse();
  for (const number of [2, 3, 4]) (await wake(number)).succeed();
  await waker.close();
  expect(wakes.map(({ subject }) => subject)).toEqual(['refused', 'a', 'b', 'c']);
  expect(outcomes).toEqual(['gave_up', 'woken', 'woken', 'woken']);
});

test('each failure in a row doubles the pause, up to a limit', async () => {
  const { waker, wake } = heldWaker({ pauseFirstMs: 40, pauseMaxMs: 100, triesMax: 9 });
  waker.notice('a');
  const pausesMs: number[] = [];
  for (const number of [1, 2, 3, 4]) {
    const failedMs = performance.now();
    (await wake(number)).fail();
    await wake(number + 1);
    pausesMs.push(performance.now() - failedMs);
  }
  for (const [index, leastMs] of [39, 79, 99, 99].entries()) expect(pausesMs[index]).toBeGreaterThan(leastMs);
});

test('after so many tries a subject is left to the sweep', async () => {
  const { waker, wakes, outcomes, wake } = heldWaker({ triesMax: 3 });
  waker.notice('a');
  for (const number of [1, 2, 3]) (await wake(number)).fail();
  await expect.poll(() => outcomes).toEqual(['retried', 'retried', 'gave_up']);
  expect([wakes.length, waker.waiting]).toEqual([3, 0]);
});

test('its memory is bounded: what waits beyond the limit is left to the sweep', () => {
  const { waker, outcomes } = heldWaker({ inFlightMax: 1, subjectsMax: 2 });
  for (const subject of ['a', 'b', 'c', 'd', 'e']) waker.notice(subject);
  expect([waker.waiting, outcomes]).toEqual([3, ['dropped', 'dropped']]);
});

test('close() waits for what is under way, but not for ever', async () => {
  const { waker, outcomes, wake } = heldWaker({ inFlightMax: 1 });
  for (const subject of ['a', 'b']) waker.notice(subject);
  (await wake(1)).succeed();
  await wake(2);
  waker.notice('c');
  await waker.close();
  expect([outcomes, waker.waiting]).toEqual([['woken', 'dropped'], 1]);
});

test('while the writer is busy a wake waits, and goes as soon as it is not', async () => {
  let isBusy = true;
  const { waker, wakes, wake } = heldWaker({ giveWayMs: 60_000, giveWayPollMs: 1 }, () => isBusy);
  waker.notice('a');
  waker.notice('b');
  await new Promise(setImmediate);
  expect(wakes).toEqual([]);
  isBusy = false;
  (await wake(1)).succeed();
  (await wake(2)).succeed();
  expect(wakes.map(({ subject }) => subject)).toEqual(['a', 'b']);
  await waker.close();
});

test('a writer that never rests does not hold up a wake for longer than it gives way, a few at a time', async () => {
  const { waker, wakes, wake } = heldWaker(
    { giveWayMs: 5, giveWayMaxMs: 60_000, giveWayPollMs: 1, inFlightMax: 16, inFlightBusyMax: 2 },
    () => true,
  );
  for (const subject of ['a', 'b', 'c']) waker.notice(subject);
  expect(wakes).toEqual([]);
  await wake(2);
  expect(wakes.map(({ subject }) => subject)).toEqual(['a', 'b']);
  (await wake(1)).succeed();
  expect((await wake(3)).subject).toBe('c');
});

test('whom a few at a time could not carry within the limit goes as if the writer were idle', async () => {
  const { waker, wakes, wake } = heldWaker(
    { giveWayMs: 1, giveWayMaxMs: 5, giveWayPollMs: 1, inFlightMax: 4, inFlightBusyMax: 1 },
    () => true,
  );
  for (const subject of ['a', 'b', 'c', 'd', 'e']) waker.notice(subject);
  await wake(4);
  expect(wakes.map(({ subject }) => subject)).toEqual(['a', 'b', 'c', 'd']);
  (await wake(1)).succeed();
  expect((await wake(5)).subject).toBe('e');
});

test('a waker that closes does not give way', async () => {
  const { waker, wake } = heldWaker({ giveWayMs: 60_000 }, () => true);
  waker.notice('a');
  const closed = waker.close();
  (await wake(1)).succeed();
  await closed;
});
