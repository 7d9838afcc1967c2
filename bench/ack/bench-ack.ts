import { mkdir, writeFile } from 'node:fs/promises';
import { installPackages, p99Of, p99Text } from '../load/run-load.ts';
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
  print(`  (${p99Text(whole.steady)}; alone ${p99Text(alone.steady)})`);
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
