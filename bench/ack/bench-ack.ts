import { mkdir, writeFile } from 'node:fs/promises';
import type { LoadResult } from '../load/load.ts';
import { installPackages, p99Of } from '../load/run-load.ts';
import { median } from '../measure.ts';
import { measurePathAlone, reportPathAlone } from './path-alone.ts';
import { measureWholeSystem } from './whole-system.ts';

const RESULT_FOLDER = '.sandbox/bench';

/** From a webhook request to its answer. Only ratios mean something: the machine is shared. */
export async function benchAck(): Promise<void> {
  const print = (line: string) => process.stdout.write(`${line}\n`);
  await installPackages(print);
  const alone = await measurePathAlone(print);
  const whole = await measureWholeSystem(print);
  reportPathAlone(alone, print);
  const ofConnections = alone.comparisons.find(({ connections }) => connections === 64);
  const peerPerSecond = median((ofConnections?.rounds ?? []).map(({ peer }) => peer.acksPerSecond));
  const ratios = {
    steadyP99ToAlone: p99Of(whole.steady) / p99Of(alone.steady),
    flatOutToPeer: whole.flatOut.acksPerSecond / peerPerSecond,
  };
  print('\nWith the whole system on the same machine, while quantities change\n');
  print(`- 500 a second: p99 ${ratios.steadyP99ToAlone.toFixed(2)} of the path alone`);
  print(
    `  (${p99Of(whole.steady).toFixed(1)} ms, ${rangeOfP99(whole.steady)}; alone ${p99Of(alone.steady).toFixed(1)} ms, ${rangeOfP99(alone.steady)})`,
  );
  print(
    `- flat out: ${ratios.flatOutToPeer.toFixed(2)} of the peer’s acks a second when the peer runs alone`,
  );
  print(
    `- drained ${(whole.drainedMs / 1000).toFixed(1)} s after the last event; the projection equals Stripe`,
  );
  await mkdir(RESULT_FOLDER, { recursive: true });
  await writeFile(`${RESULT_FOLDER}/ack.json`, JSON.stringify({ alone, whole, ratios }, null, 2));
  print(`\nWritten to ${RESULT_FOLDER}/ack.json`);
}

function rangeOfP99(loads: readonly LoadResult[]): string {
  const ascending = loads.map(({ p99Ms }) => p99Ms).sort((a, b) => a - b);
  return `${ascending.at(0)?.toFixed(0)} to ${ascending.at(-1)?.toFixed(0)}`;
}
