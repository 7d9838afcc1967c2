import type Stripe from 'stripe';
import { createLicensePrice, newestEvent, type Sandbox } from './simulator-fixture.ts';

/** Ten licences for a month, unless other parameters are given. `mark`: the newest event before anybody pays. */
export async function startCheckout(
  { stripe }: Sandbox,
  parameters: Partial<Stripe.Checkout.SessionCreateParams> = {},
): Promise<{ session: Stripe.Checkout.Session; mark: string | undefined }> {
  const { mode = 'subscription' } = parameters;
  const price = mode === 'subscription' ? await createLicensePrice(stripe) : undefined;
  const isHosted = (parameters.ui_mode ?? 'hosted_page') === 'hosted_page';
  const session = await stripe.checkout.sessions.create({
    mode,
    ...(price ? { line_items: [{ price: price.id, quantity: 10 }] } : {}),
    ...(isHosted ? { success_url: 'https://shop.example.com/thanks?session={CHECKOUT_SESSION_ID}' } : {}),
    client_reference_id: 'order-1',
    metadata: { order: '1' },
    ...(mode === 'subscription' ? { subscription_data: { metadata: { tenant: 't' } } } : {}),
    ...parameters,
  });
  return { session, mark: await newestEvent(stripe) };
}

/** A basket of two things that are paid once. */
export const oneTimeBasket: Partial<Stripe.Checkout.SessionCreateParams> = {
  mode: 'payment',
  line_items: [
    { price_data: { currency: 'eur', unit_amount: 900, product_data: { name: 'Setup' } }, quantity: 2 },
  ],
};
