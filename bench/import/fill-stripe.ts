import type { Stack } from '../../sandbox/stack.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const REQUESTS_AT_ONCE = 16;
/** Customers that are made in one moment of the simulator's time. */
const CUSTOMERS_A_DAY = 100;
/** A trial needs no card and has no renewal, so time can pass without work for the simulator. */
const TRIAL_MS = 365 * DAY_MS;
const QUANTITIES = 20;

/** What a customer of a long-lived store has in Stripe. */
export type FilledCustomer = { customer: string; subscription: string; email: string; quantity: number };

/**
 * Fills the simulator with customers, each with an e-mail of its own and a live subscription with a licence, made over as
 * many days as needed, a hundred a day, until today. No webhook is sent of it.
 */
export async function fillStripe(
  { stripe, simulator, licensePriceId }: Stack,
  count: number,
): Promise<FilledCustomer[]> {
  for (const endpoint of (await stripe.webhookEndpoints.list()).data) {
    await stripe.webhookEndpoints.del(endpoint.id);
  }
  const trialEnd = Math.floor((Date.now() + TRIAL_MS) / 1000);
  const filled: FilledCustomer[] = [];
  for (let day = Math.ceil(count / CUSTOMERS_A_DAY); day > 0; day -= 1) {
    await simulator.control.setTimeOffset(-day * DAY_MS);
    let left = Math.min(CUSTOMERS_A_DAY, count - filled.length);
    const fill = async () => {
      while (left > 0) {
        left -= 1;
        const number = filled.push({ customer: '', subscription: '', email: '', quantity: 0 });
        const email = `owner-${number}@customer-${number}.example`;
        const quantity = (number % QUANTITIES) + 1;
        const customer = await stripe.customers.create({ email, name: `Customer ${number}` });
        const subscription = await stripe.subscriptions.create({
          customer: customer.id,
          items: [{ price: licensePriceId, quantity }],
          trial_end: trialEnd,
        });
        filled[number - 1] = { customer: customer.id, subscription: subscription.id, email, quantity };
      }
    };
    await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, fill));
  }
  await simulator.control.setTimeOffset(0);
  return filled;
}
