import type { Stack } from '../../sandbox/stack.ts';
import { signedRequest } from '../load/signed-event.ts';
import { untilDrained } from '../projection.ts';
import type { Purchase } from '../purchases.ts';

const EVENTS_PER_BURST = 6;
const DRAIN_LIMIT_MS = 60_000;

export type Bursts = { events: number; requests: number; requestsPerEvent: number };

/** Six events about each customer at once, as an upgrade makes them; how many requests to Stripe do they cost? */
export async function measureBursts(stack: Stack, purchases: readonly Purchase[]): Promise<Bursts> {
  const before = (await stack.simulator.control.requests()).length;
  for (const purchase of purchases) await sendBurst(stack, purchase);
  await untilDrained(stack, DRAIN_LIMIT_MS);
  const requests = (await stack.simulator.control.requests()).length - before;
  const events = purchases.length * EVENTS_PER_BURST;
  return { events, requests, requestsPerEvent: requests / events };
}

async function sendBurst(stack: Stack, { customer }: Purchase): Promise<void> {
  const sends = Array.from({ length: EVENTS_PER_BURST }, () =>
    fetch(
      `${stack.gatewayUrl}/webhooks/stripe`,
      signedRequest(stack.env.STRIPE_WEBHOOK_SECRET ?? '', customer),
    ),
  );
  for (const answer of await Promise.all(sends)) {
    if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
  }
}
