import { setTimeout as delay } from 'node:timers/promises';
import { withClient } from '../sandbox/postgres/with-client.ts';
import type { Stack } from '../sandbox/stack.ts';
import type { Purchase } from './purchases.ts';

const POLL_MS = 200;

/** Waits until no event is pending. @returns how long that took @throws Error beyond the limit */
export async function untilDrained(stack: Stack, limitMs: number): Promise<number> {
  const began = performance.now();
  return withClient(stack.postgres.url, async (client) => {
    for (;;) {
      const { rows } = await client.query<{ pending: boolean }>(
        "select exists (select from stripe_webhook_events where status = 'received') as pending",
      );
      if (rows[0]?.pending === false) return performance.now() - began;
      if (performance.now() - began > limitMs) throw new Error(`events were pending after ${limitMs} ms`);
      await delay(POLL_MS);
    }
  });
}

/** Compares each customer's quantity and status with Stripe's. @throws Error that names the first that differs */
export async function projectionEqualsStripe(stack: Stack, purchases: readonly Purchase[]): Promise<void> {
  await withClient(stack.postgres.url, async (client) => {
    for (const { subscription } of purchases) {
      const theirs = await stack.stripe.subscriptions.retrieve(subscription);
      const { rows } = await client.query<{ status: string; quantity: number }>(
        'select status, quantity from stripe_subscriptions where stripe_subscription_external_id = $1',
        [subscription],
      );
      const is = JSON.stringify(rows[0] ?? null);
      const should = JSON.stringify({ status: theirs.status, quantity: theirs.items.data[0]?.quantity });
      if (is !== should) throw new Error(`${subscription} is ${is}, at Stripe ${should}`);
    }
  });
}
