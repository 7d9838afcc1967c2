import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { oneTimeBasket, startCheckout } from './checkout-fixture.ts';
import { createLicensePrice, refusalOf, startSandbox } from './simulator-fixture.ts';

const daySeconds = 86_400;
const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

type Parameters = Partial<Stripe.Checkout.SessionCreateParams>;

const notUrl = (param: string): object => ({ message: 'Not a valid URL', param });

describe('a Checkout session', () => {
  it.each<[string, Parameters, object]>([
    [
      'payment method types',
      { payment_method_types: ['card'] } as Parameters,
      { code: 'payment_method_types_no_longer_supported' },
    ],
    ['an old UI mode', { ui_mode: 'hosted' }, { param: 'ui_mode' }],
    ['an expiry that is too soon', { expires_at: nowSeconds() + 60 }, { param: 'expires_at' }],
    ['an expiry that is too late', { expires_at: nowSeconds() + 2 * daySeconds }, { param: 'expires_at' }],
    ['a script in place of an address', { cancel_url: 'javascript:alert(1)' }, notUrl('cancel_url')],
    ['an address of nowhere', { success_url: 'thanks.html' }, notUrl('success_url')],
    ['a return URL on a hosted page', { return_url: 'https://example.com' }, { param: 'return_url' }],
    [
      'a trial that is too short',
      { subscription_data: { trial_end: nowSeconds() + daySeconds } },
      { param: 'subscription_data[trial_end]' },
    ],
    [
      'data of another mode',
      { payment_intent_data: {}, setup_intent_data: { description: 'x' } },
      { param: 'setup_intent_data' },
    ],
    ['an unknown customer', { customer: 'cus_x' }, { code: 'resource_missing', param: 'customer' }],
    ['no line', { line_items: [] }, { statusCode: 400 }],
    [
      'a price that is paid once, alone',
      { line_items: oneTimeBasket.line_items ?? [] },
      { param: 'line_items' },
    ],
    [
      'an unknown price',
      { line_items: [{ price: 'price_x', quantity: 1 }] },
      { param: 'line_items[0][price]' },
    ],
  ])('is refused with %s', async (_, parameters, refusal) => {
    const sandbox = await startSandbox();
    expect(await refusalOf(startCheckout(sandbox, parameters))).toMatchObject({
      statusCode: 400,
      ...refusal,
    });
  });

  it('is refused without a quantity, or over an archived price', async () => {
    const sandbox = await startSandbox();
    const { id: price } = await createLicensePrice(sandbox.stripe);
    expect(await refusalOf(startCheckout(sandbox, { line_items: [{ price }] }))).toMatchObject({
      code: 'parameter_missing',
      param: 'line_items[0][quantity]',
    });
    await sandbox.stripe.prices.update(price, { active: false });
    const archived = startCheckout(sandbox, { line_items: [{ price, quantity: 1 }] });
    expect((await refusalOf(archived)).message).toContain('inactive');
  });

  it('shows what was sent', async () => {
    const sandbox = await startSandbox();
    const { session } = await startCheckout(sandbox, {
      allow_promotion_codes: true,
      automatic_tax: { enabled: true },
      billing_address_collection: 'required',
      cancel_url: 'https://shop.example.com/basket',
      customer_email: 'ada@example.com',
      locale: 'de',
      phone_number_collection: { enabled: true },
      tax_id_collection: { enabled: true },
    });
    expect(session).toMatchObject({
      allow_promotion_codes: true,
      automatic_tax: { enabled: true, status: 'requires_location_inputs' },
      billing_address_collection: 'required',
      cancel_url: 'https://shop.example.com/basket',
      customer_email: 'ada@example.com',
      locale: 'de',
      phone_number_collection: { enabled: true },
      tax_id_collection: { enabled: true, required: 'never' },
    });
    const done = await sandbox.control.completeCheckoutSession(session.id);
    expect(done).toMatchObject({
      automatic_tax: { status: 'complete' },
      customer_details: { email: 'ada@example.com' },
    });
  });

  it('that is part of the shop’s page has a client secret and no URL', async () => {
    const sandbox = await startSandbox();
    const embedded = { ui_mode: 'embedded_page', return_url: 'https://shop.example.com/done' } as const;
    const { session } = await startCheckout(sandbox, embedded);
    expect(session).toMatchObject({ url: null, success_url: null, redirect_on_completion: 'always' });
    expect(session.client_secret).toMatch(/^cs_test_.*_secret_/);
    const done = await sandbox.control.completeCheckoutSession(session.id);
    expect(done).toMatchObject({ status: 'complete', client_secret: null });
    const lost = startCheckout(sandbox, { ui_mode: 'embedded_page' });
    expect(await refusalOf(lost)).toMatchObject({ code: 'parameter_missing', param: 'return_url' });
  });

  it('passes on what its subscription is to be', async () => {
    const sandbox = await startSandbox();
    const anchor = nowSeconds() + 10 * daySeconds;
    const { session } = await startCheckout(sandbox, {
      subscription_data: {
        billing_cycle_anchor: anchor,
        billing_mode: { type: 'classic' },
        description: 'Ten licences',
        metadata: { tenant: 't' },
        proration_behavior: 'none',
      },
    });
    const done = await sandbox.control.completeCheckoutSession(session.id);
    const subscription = await sandbox.stripe.subscriptions.retrieve(String(done.subscription));
    expect(subscription).toMatchObject({
      billing_cycle_anchor: anchor,
      billing_mode: { type: 'classic' },
      description: 'Ten licences',
      metadata: { tenant: 't' },
    });
  });

  it('keeps the metadata that an update adds', async () => {
    const sandbox = await startSandbox();
    const { session } = await startCheckout(sandbox);
    const updated = await sandbox.stripe.checkout.sessions.update(session.id, { metadata: { cart: '7' } });
    expect(updated.metadata).toEqual({ order: '1', cart: '7' });
  });
});
