import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Stack } from '../../sandbox/stack.ts';
import { measure } from '../measure.ts';
import { untilDrained } from '../projection.ts';
import { buy, type Purchase } from '../purchases.ts';

const AT_ONCE = 8;
const POLL_MS = 200;
/** The most that the simulator takes. */
const IDLE_LIMIT_MS = 120_000;
/** A thousand customers at once, on a machine that others use too. */
const LIMIT_MS = 900_000;
const UPGRADED_TO = 20;

/**
 * So many customers with a paid subscription, each with its tenant, synced. Their tenants are put into the database by hand:
 * how they come into being is another benchmark's.
 */
export async function makeCustomers(
  stack: Stack,
  database: pg.Client,
  count: number,
): Promise<readonly Purchase[]> {
  const { control } = stack.simulator;
  await control.holdDeliveries();
  const purchases: Purchase[] = [];
  await measure({ count, atOnce: AT_ONCE, job: async () => void purchases.push(await buy(stack)) });
  await database.query(
    `with bought as (select customer, gen_random_uuid() as tenant from unnest($1::text[]) customer),
     born as (
       insert into tenants (tenant, client_name, email) select tenant, 'Bench', 'bench@example.com' from bought)
     insert into stripe_customers (tenant, stripe_customer_external_id, billing_tenant, email)
     select tenant, customer, $2, 'bench@example.com' from bought`,
    [purchases.map(({ customer }) => customer), stack.env.MASTER_BILLING_TENANT_ID],
  );
  await control.releaseDeliveries();
  await settled(stack);
  return purchases;
}

/**
 * Makes each of the subscriptions unpaid, by an upgrade that the card doesn't pay, and waits until all that were made so
 * far have told their customer and wait for their next stage.
 */
export async function openCases(
  stack: Stack,
  database: pg.Client,
  { purchases, openBefore }: { purchases: readonly Purchase[]; openBefore: number },
): Promise<void> {
  const outcome = { kind: 'decline', decline_code: 'insufficient_funds' } as const;
  await measure({
    count: purchases.length,
    atOnce: AT_ONCE,
    job: async (index) => {
      const purchase = purchases[index];
      if (purchase === undefined) throw new Error('a purchase is missing');
      const { customer, subscription, itemId } = purchase;
      await stack.simulator.control.setPaymentFate({ customer, payments: 'next', outcome });
      await stack.stripe.subscriptions.update(subscription, {
        items: [{ id: itemId, quantity: UPGRADED_TO }],
        proration_behavior: 'always_invoice',
      });
    },
  });
  await settled(stack);
  await untilWaiting(database, openBefore + purchases.length);
}

async function settled(stack: Stack): Promise<void> {
  await stack.simulator.control.waitUntilIdle({ timeoutMs: IDLE_LIMIT_MS });
  await untilDrained(stack, LIMIT_MS);
}

/** A case that waits for its next stage is not to be looked after before that one has come. */
async function untilWaiting(database: pg.Client, count: number): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const { rows } = await database.query<{ waiting: number }>(
      `select count(*)::int as waiting from dunning_cases
       where closed_at is null and stage = 'payment-failed' and attention_due_at > now() + interval '1 day'`,
    );
    const waiting = rows[0]?.waiting ?? 0;
    if (waiting === count) return;
    if (performance.now() > deadline) throw new Error(`${waiting} of ${count} cases wait`);
    await delay(POLL_MS);
  }
}
