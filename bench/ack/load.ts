import { createHmac, randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { percentile } from '../measure.ts';

/** What one run of load is told, as JSON, in the first argument. */
export type LoadOrder = {
  url: string;
  secret: string;
  connections: number;
  durationS: number;
  /** Requests a second in all; missing: as many as the connections carry. */
  perSecond?: number;
};

/** What it prints, as JSON. */
export type LoadResult = {
  /** 2xx answers a second. */
  acksPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Answers that were not 2xx, by status; connections that broke stand under 0. */
  others: Record<string, number>;
  acks: number;
};

type Request = { method: string; body: string; headers: Record<string, string> };
type Run = PromiseLike<{ duration: number; errors: number }> & {
  on(event: 'response', listener: (client: unknown, status: number, bytes: number, ms: number) => void): void;
};
type Autocannon = (options: {
  url: string;
  connections: number;
  duration: number;
  overallRate?: number;
  ignoreCoordinatedOmission?: boolean;
  requests: { setupRequest: (request: Request) => Request }[];
}) => Run;

// It comes with the benchmark's own packages, which a checkout without benchmarks doesn't have.
const autocannon: Autocannon = createRequire(import.meta.url)('autocannon');

const order: LoadOrder = JSON.parse(process.argv[2] ?? '');
process.stdout.write(`${JSON.stringify(await load(order))}\n`);

/** Sends distinct, freshly signed events of about 1.5 KB, as Stripe would. */
async function load({ url, secret, connections, durationS, perSecond }: LoadOrder): Promise<LoadResult> {
  const run = autocannon({
    url,
    connections,
    duration: durationS,
    ...(perSecond !== undefined && { overallRate: perSecond }),
    requests: [{ setupRequest: (request) => ({ ...request, ...signedRequest(secret) }) }],
  });
  const durationsMs: number[] = [];
  const others: Record<string, number> = {};
  run.on('response', (_client, status, _bytes, ms) => {
    if (status >= 200 && status < 300) durationsMs.push(ms);
    else others[status] = (others[status] ?? 0) + 1;
  });
  const { duration, errors } = await run;
  if (errors > 0) others['0'] = errors;
  durationsMs.sort((a, b) => a - b);
  return {
    acks: durationsMs.length,
    acksPerSecond: durationsMs.length / duration,
    p50Ms: percentile(durationsMs, 0.5),
    p99Ms: percentile(durationsMs, 0.99),
    others,
  };
}

function signedRequest(secret: string): Request {
  const body = newEvent();
  const timestamp = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', 'stripe-signature': `t=${timestamp},v1=${signature}` },
  };
}

/** A subscription's update with ids of its own: nobody knows its customer. */
function newEvent(): string {
  const id = randomUUID().replaceAll('-', '').slice(0, 24);
  const now = Math.floor(Date.now() / 1000);
  return JSON.stringify({
    id: `evt_${id}`,
    object: 'event',
    api_version: '2026-10-28.endive',
    created: now,
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type: 'customer.subscription.updated',
    data: {
      object: {
        id: `sub_${id}`,
        object: 'subscription',
        application: null,
        billing_cycle_anchor: now,
        cancel_at: null,
        cancel_at_period_end: false,
        canceled_at: null,
        collection_method: 'charge_automatically',
        created: now,
        currency: 'usd',
        customer: `cus_${id}`,
        default_payment_method: null,
        description: null,
        ended_at: null,
        items: {
          object: 'list',
          data: [
            {
              id: `si_${id}`,
              object: 'subscription_item',
              created: now,
              current_period_start: now,
              current_period_end: now + 2_592_000,
              metadata: {},
              price: { id: 'price_1', object: 'price', active: true, currency: 'usd', product: 'prod_1' },
              quantity: 7,
              subscription: `sub_${id}`,
            },
          ],
          has_more: false,
          url: `/v1/subscription_items?subscription=sub_${id}`,
        },
        latest_invoice: `in_${id}`,
        livemode: false,
        metadata: { source: 'benchmark', note: 'x'.repeat(300) },
        start_date: now,
        status: 'active',
        trial_end: null,
        trial_start: null,
      },
      previous_attributes: { items: { data: [{ quantity: 6 }] } },
    },
  });
}
