import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterAll } from 'vitest';
import { startStripeSimulator } from '../../sandbox/stripe/simulator.ts';
import { createStripe, type Stripe } from '../../stripe/client.ts';

/** A simulator for one test file, and a client as the worker has it. */
export async function useStripe() {
  const simulator = await startStripeSimulator();
  afterAll(() => simulator.close());
  const stripe = createStripe({ secretKey: 'sk_test_1', apiBase: simulator.url });
  const { control } = simulator;
  return {
    stripe,
    control,
    apiBase: simulator.url,
    ...stripeObjects(stripe),
    requestsSince: await requestReader(control),
  };
}

/** Objects as a store makes them. */
function stripeObjects(stripe: Stripe) {
  return {
    customer: (metadata: Record<string, string> = {}) =>
      stripe.customers.create({
        email: 'ada@example.com',
        name: 'Lovelace Ltd',
        metadata,
        payment_method: 'pm_card_visa',
        invoice_settings: { default_payment_method: 'pm_card_visa' },
      }),
    async price(options: { metered?: boolean; productName?: string } = {}) {
      const product = await stripe.products.create({ name: options.productName ?? 'Pro' });
      return stripe.prices.create({
        product: product.id,
        currency: 'usd',
        unit_amount: 1_000,
        recurring: {
          interval: 'month',
          ...(options.metered && { usage_type: 'metered' as const, meter: 'mtr_1' }),
        },
      });
    },
    subscription: (
      customer: string,
      items: { price: string; quantity?: number }[],
      metadata: Record<string, string> = {},
    ) => stripe.subscriptions.create({ customer, items, metadata }),
  };
}

/** Answers the requests that came after the last call. */
async function requestReader(control: {
  requests: () => Promise<readonly { method: string; path: string }[]>;
}) {
  let seen = 0;
  return async () => {
    const all = await control.requests();
    const fresh = all.slice(seen);
    seen = all.length;
    return fresh.map(({ method, path }) => `${method} ${path}`);
  };
}

/** A server that answers every request as it is told, for answers that Stripe itself would never give. */
export async function useAnswers(answer: (response: ServerResponse) => void): Promise<Stripe> {
  const server: Server = createServer((request, response) => {
    request.resume();
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return createStripe({ secretKey: 'sk_test_1', apiBase: `http://127.0.0.1:${address.port}` });
}
