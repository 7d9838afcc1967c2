import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { useDatabase } from '../database.ts';
import { ROWS } from './bad-input/rows.ts';
import { useListeningGateway } from './listening-gateway.ts';
import { exchange } from './raw-http.ts';

const { url } = await useDatabase();
const { port, connections } = await useListeningGateway(url);

const MEBIBYTE = 1_048_576;
/** Until caches, compiled code and pools have their size. */
const ROUNDS_BEFORE = 4;
/** What requests leave behind is seen in each part; what the engine takes for itself, and gives back later, is not. */
const PARTS = 3;
const ROUNDS_PER_PART = 10;
const AT_ONCE = 6;
/** Less than 1 KiB for each request. */
const GROWTH_BYTES_MAX = 2 * MEBIBYTE;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

async function send(rounds: number): Promise<void> {
  const waiting = Array.from({ length: rounds }, () => ROWS).flat();
  const sender = async () => {
    for (let row = waiting.pop(); row; row = waiting.pop()) {
      await exchange(port, row.send(Math.floor(Date.now() / 1000)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
}

/** On the heap and beside it, where bodies are, once no connection is left that could hold anything. */
async function usedBytes(): Promise<number> {
  await expect.poll(connections).toBe(0);
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test(`bad requests leave nothing behind, ${PARTS} times ${ROUNDS_PER_PART * ROWS.length} of them`, async () => {
  await send(ROUNDS_BEFORE);
  const growths: number[] = [];
  let before = await usedBytes();
  while (growths.length < PARTS) {
    await send(ROUNDS_PER_PART);
    const after = await usedBytes();
    growths.push(after - before);
    before = after;
  }
  expect(Math.min(...growths)).toBeLessThan(GROWTH_BYTES_MAX);
}, 120_000);
