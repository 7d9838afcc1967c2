import { mkdir, writeFile } from 'node:fs/promises';
import { type Stack, startStack } from '../../sandbox/stack.ts';
import { installPackages, p99Text } from '../load/run-load.ts';
import { type Purchase, provisionMany } from '../purchases.ts';
import { type Bursts, measureBursts } from './bursts.ts';
import { type Lag, measureLag } from './lag.ts';
import { measureSustained, PER_SECOND, type Sustained } from './sustained.ts';

const CUSTOMERS = 60;
const SUSTAINED_S = 60;
const SUSTAINED_LONG_S = 600;
const STRIPE_BUDGET_PER_SECOND = '20';
const RESULT_FOLDER = '.sandbox/bench';

/** From a webhook's answer to the changed row, what it costs at Stripe, and what a long load does to it. */
export async function benchSync(flags: readonly string[]): Promise<void> {
  const print = (line: string) => process.stdout.write(`${line}\n`);
  await installPackages(print);
  const unhurried = await withCustomers({}, print, async (stack, purchases) => {
    const lag = await measureLag(stack, purchases);
    return { lag, bursts: await measureBursts(stack, purchases) };
  });
  const budget = { STRIPE_MAX_REQUESTS_PER_SECOND: STRIPE_BUDGET_PER_SECOND };
  const durationS = flags.includes('--long') ? SUSTAINED_LONG_S : SUSTAINED_S;
  const sustained = await withCustomers(budget, print, (stack, purchases) =>
    measureSustained(stack, purchases, { durationS }),
  );
  report({ ...unhurried, sustained }, print);
  await mkdir(RESULT_FOLDER, { recursive: true });
  await writeFile(`${RESULT_FOLDER}/sync.json`, JSON.stringify({ ...unhurried, sustained }, null, 2));
  print(`\nWritten to ${RESULT_FOLDER}/sync.json`);
}

async function withCustomers<Result>(
  env: Record<string, string>,
  print: (line: string) => void,
  measure: (stack: Stack, purchases: readonly Purchase[]) => Promise<Result>,
): Promise<Result> {
  const stack = await startStack({ acksFirst: true, log: print, env: { LOG_LEVEL: 'error', ...env } });
  try {
    const purchases = await provisionMany(stack, CUSTOMERS);
    print(`${CUSTOMERS} customers have their tenants`);
    return await measure(stack, purchases);
  } finally {
    await stack.close();
  }
}

function report(
  results: { lag: Lag; bursts: Bursts; sustained: Sustained },
  print: (line: string) => void,
): void {
  const { lag, bursts, sustained } = results;
  print(
    `\n- lag of one event: ${lag.ratios.p50.toFixed(2)} (p50) and ${lag.ratios.p99.toFixed(2)} (p99) of a signalWithStart with one empty activity`,
  );
  print(
    `  (${lag.syncMs.p50.toFixed(0)}, ${lag.syncMs.p99.toFixed(0)} ms; reference ${lag.referenceMs.p50.toFixed(0)}, ${lag.referenceMs.p99.toFixed(0)} ms)`,
  );
  print(`- bursts of 6: ${bursts.requestsPerEvent.toFixed(2)} requests to Stripe per event`);
  const { verifyOnly, pathAlone, ratios } = sustained;
  for (const name of ['steady', 'burst'] as const) {
    const load = sustained[name];
    print(
      `- ${PER_SECOND[name]} a second: ${load.acks} events, ack p99 ${ratios.toVerifyOnly[name].toFixed(2)} of verify-only, ${ratios.toPathAlone[name].toFixed(2)} of the path alone`,
    );
    print(
      `  (${load.p99Ms.toFixed(1)} ms; verify-only ${p99Text(verifyOnly[name])}; path alone ${p99Text(pathAlone[name])})`,
    );
  }
  print(
    `- drained ${(sustained.drainedMs / 1000).toFixed(1)} s after the last event at ${sustained.drainRequestsPerSecond.toFixed(1)} requests a second (budget ${STRIPE_BUDGET_PER_SECOND}); ${sustained.requestsPerEvent.toFixed(3)} requests per event in all; the projection equals Stripe`,
  );
}
