import type { Guide } from './guide.ts';

/** Checkout sessions: paid by card, with a delayed method, and left alone. */
export async function tourCheckout({ stripe, control }: Guide): Promise<void> {
  const price = await stripe.prices.create({
    currency: 'usd',
    unit_amount: 500,
    recurring: { interval: 'month' },
    product_data: { name: 'Licence' },
  });
  const create = () =>
    stripe.checkout.sessions.create({
      mode: 'subscription',
      line_items: [{ price: price.id, quantity: 2 }],
      success_url: 'https://example.com/thanks',
      subscription_data: { metadata: { client_name: 'Lovelace Ltd' } },
      expand: ['line_items'],
    });
  const paid = await create();
  await control.completeCheckoutSession(paid.id);
  await stripe.checkout.sessions.retrieve(paid.id, { expand: ['line_items', 'subscription', 'customer'] });
  await stripe.checkout.sessions.listLineItems(paid.id);
  await stripe.checkout.sessions.update(paid.id, { metadata: { order: '1' } });
  await stripe.checkout.sessions.list({ limit: 3 });
  const delayed = await create();
  await control.completeCheckoutSession(delayed.id, { payment: 'delayed' });
  await control.settleDelayedPayment(delayed.id, { paid: true });
  const left = await create();
  await stripe.checkout.sessions.expire(left.id);
}
