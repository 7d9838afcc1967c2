import { mkdir, writeFile } from 'node:fs/promises';
import Stripe from 'stripe';
import { freePort } from '../../sandbox/processes/free-port.ts';
import { type ManagedProcess, startProcess } from '../../sandbox/processes/start-process.ts';
import { installPackages } from '../load/run-load.ts';
import { median } from '../measure.ts';
import { type RepeatedRequest, repeatRequest } from './request-load.ts';

const RUNS = 5;
const LOAD = { connections: 32, durationS: 3 };
const WARM_UP = { connections: 32, durationS: 2 };
const RESULT_FOLDER = '.sandbox/bench';
/** Requests a second on one core, so that the simulator is never what a benchmark waits for. */
const AIM_PER_SECOND = 2_000;

/** Two runs right after one another: what slows one slows the other, so only their ratio is kept. */
type Pair = { simulator: number; bare: number };
type Comparison = { name: string; perSecond: number; ratio: number; p99Ms: number; pairs: Pair[] };
type Servers = { simulator: string; bare: string };

/**
 * Simple requests to the Stripe simulator, against a bare Fastify route, each a process of its own with one thread, in
 * the same run, by turns.
 */
export async function benchStripe(): Promise<void> {
  const print = (line: string) => process.stdout.write(`${line}\n`);
  await installPackages(print);
  const processes: ManagedProcess[] = [];
  try {
    const servers = await startServers(processes);
    const comparisons: Comparison[] = [];
    for (const [name, request] of Object.entries(await simpleRequests(servers.simulator))) {
      comparisons.push(await compare({ name, request, bare: servers.bare }));
      print(`${name} done`);
    }
    report(comparisons, print);
    await mkdir(RESULT_FOLDER, { recursive: true });
    await writeFile(`${RESULT_FOLDER}/stripe.json`, JSON.stringify(comparisons, null, 2));
    print(`\nWritten to ${RESULT_FOLDER}/stripe.json`);
  } finally {
    for (const one of processes) await one.stop();
  }
}

async function startServers(processes: ManagedProcess[]): Promise<Servers> {
  const [port, barePort] = [await freePort(), await freePort()];
  const [simulator, bare] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${barePort}`];
  processes.push(
    await startProcess({
      name: 'simulator',
      run: { script: 'sandbox/stripe/main.ts' },
      env: { STRIPE_SIMULATOR_PORT: String(port) },
      readyWhen: { url: simulator },
    }),
    await startProcess({
      name: 'bare server',
      run: { script: 'bench/stripe-simulator/bare-server.ts' },
      args: [String(barePort)],
      readyWhen: { url: bare },
    }),
  );
  return { simulator, bare };
}

/** The requests, with what they need made before. */
async function simpleRequests(url: string): Promise<Record<string, RepeatedRequest>> {
  const { hostname: host, port } = new URL(url);
  const stripe = new Stripe('sk_test_benchmark', { host, port: Number(port), protocol: 'http' });
  const price = await stripe.prices.create({
    currency: 'usd',
    unit_amount: 500,
    recurring: { interval: 'month' },
    product_data: { name: 'Licence' },
  });
  const customer = await stripe.customers.create({ email: 'bench@example.com' });
  const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
  await stripe.subscriptions.create({
    customer: customer.id,
    default_payment_method: card.id,
    items: [{ price: price.id, quantity: 10 }],
  });
  const subscriptions = `${url}/v1/subscriptions?customer=${customer.id}&status=all&limit=100`;
  return {
    'GET customer': { method: 'GET', url: `${url}/v1/customers/${customer.id}` },
    'POST customer': {
      method: 'POST',
      url: `${url}/v1/customers`,
      body: 'email=bench%40example.com&name=Bench&metadata[tenant_id]=1',
    },
    'list subscriptions': { method: 'GET', url: subscriptions },
  };
}

async function compare(between: {
  name: string;
  request: RepeatedRequest;
  bare: string;
}): Promise<Comparison> {
  const { name, request } = between;
  const reference = { ...request, url: between.bare };
  await repeatRequest(request, WARM_UP);
  await repeatRequest(reference, WARM_UP);
  const pairs: Pair[] = [];
  const p99Ms: number[] = [];
  for (let run = 1; run <= RUNS; run += 1) {
    const simulator = await repeatRequest(request, LOAD);
    const bare = await repeatRequest(reference, LOAD);
    pairs.push({ simulator: simulator.perSecond, bare: bare.perSecond });
    p99Ms.push(simulator.p99Ms);
  }
  return {
    name,
    perSecond: median(pairs.map(({ simulator }) => simulator)),
    ratio: median(pairs.map(({ simulator, bare }) => simulator / bare)),
    p99Ms: median(p99Ms),
    pairs,
  };
}

function report(comparisons: readonly Comparison[], print: (line: string) => void): void {
  print(
    `\nThe Stripe simulator, one thread, ${LOAD.connections} connections; medians of ${RUNS} pairs of runs (lowest to highest); the aim is ${AIM_PER_SECOND} a second\n`,
  );
  print('request             per second   of a bare route        p99 (ms)');
  for (const { name, perSecond, ratio, p99Ms, pairs } of comparisons) {
    const ratios = pairs.map(({ simulator, bare }) => simulator / bare);
    const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
    const column = `${ratio.toFixed(2)} (${range})`;
    print(`${name.padEnd(20)}${perSecond.toFixed(0).padEnd(13)}${column.padEnd(23)}${p99Ms.toFixed(0)}`);
  }
}
