import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import {
  createSubscription,
  eventsSince,
  newestEvent,
  refusalOf,
  type Sandbox,
  startSandbox,
} from './simulator-fixture.ts';

/** A customer with a subscription of three, and a portal session that may do everything. */
async function openPortal(
  features: Partial<Stripe.BillingPortal.ConfigurationCreateParams.Features> = {},
): Promise<
  Sandbox & {
    customer: Stripe.Customer;
    subscription: Stripe.Subscription;
    price: Stripe.Price;
    session: Stripe.BillingPortal.Session;
    mark: string | undefined;
  }
> {
  const sandbox = await startSandbox();
  const { stripe } = sandbox;
  const { customer, subscription, price } = await createSubscription(stripe, 3);
  const configuration = await stripe.billingPortal.configurations.create({
    features: {
      customer_update: { enabled: true, allowed_updates: ['email'] },
      payment_method_update: { enabled: true },
      subscription_cancel: { enabled: true },
      subscription_update: {
        enabled: true,
        default_allowed_updates: ['quantity'],
        proration_behavior: 'always_invoice',
      },
      ...features,
    },
  });
  const session = await stripe.billingPortal.sessions.create({
    customer: customer.id,
    configuration: configuration.id,
  });
  return { ...sandbox, customer, subscription, price, session, mark: await newestEvent(stripe) };
}

const typesOf = (events: readonly Stripe.Event[]): string[] => events.map(({ type }) => type);

describe('a portal configuration', () => {
  it('begins with nothing allowed, keeps what an update does not name, and tells both', async () => {
    const { stripe } = await startSandbox();
    const made = await stripe.billingPortal.configurations.create({
      features: { invoice_history: { enabled: true } },
      business_profile: { headline: 'Licences' },
    });
    expect(made).toMatchObject({
      active: true,
      is_default: false,
      features: { invoice_history: { enabled: true }, subscription_cancel: { enabled: false } },
    });
    await stripe.billingPortal.configurations.update(made.id, {
      features: { subscription_cancel: { enabled: true } },
      business_profile: { privacy_policy_url: 'https://shop.example.com/privacy' },
    });
    const now = await stripe.billingPortal.configurations.retrieve(made.id);
    expect(now).toMatchObject({
      business_profile: { headline: 'Licences', privacy_policy_url: 'https://shop.example.com/privacy' },
      features: {
        invoice_history: { enabled: true },
        subscription_cancel: { enabled: true, mode: 'at_period_end' },
      },
    });
    const [created, updated] = await eventsSince(stripe, undefined);
    expect(created).toMatchObject({ type: 'billing_portal.configuration.created' });
    expect(updated).toMatchObject({
      type: 'billing_portal.configuration.updated',
      data: { previous_attributes: { features: { subscription_cancel: { enabled: false } } } },
    });
  });

  it('shows the products to switch to only when they are asked for', async () => {
    const { stripe, price } = await openPortal();
    const { id, features } = await stripe.billingPortal.configurations.create({
      features: {
        subscription_update: {
          enabled: true,
          default_allowed_updates: ['price', 'quantity'],
          products: [{ product: String(price.product), prices: [price.id] }],
        },
      },
    });
    expect(features.subscription_update.products).toBeUndefined();
    const expanded = await stripe.billingPortal.configurations.retrieve(id, {
      expand: ['features.subscription_update.products'],
    });
    expect(expanded.features.subscription_update.products).toEqual([
      {
        adjustable_quantity: { enabled: false, maximum: null, minimum: 1 },
        prices: [price.id],
        product: price.product,
      },
    ]);
  });

  it('of the account allows to cancel and not to change; it can’t be switched off', async () => {
    const { stripe, customer, subscription } = await openPortal();
    const session = await stripe.billingPortal.sessions.create({ customer: customer.id });
    const { data } = await stripe.billingPortal.configurations.list({ is_default: true });
    expect(data).toMatchObject([
      { id: session.configuration, features: { subscription_cancel: { enabled: true } } },
    ]);
    const update = stripe.billingPortal.sessions.create({
      customer: customer.id,
      flow_data: { type: 'subscription_update', subscription_update: { subscription: subscription.id } },
    });
    expect((await refusalOf(update)).message).toContain(
      'update feature in the portal configuration is disabled',
    );
    const off = stripe.billingPortal.configurations.update(String(session.configuration), { active: false });
    expect(await refusalOf(off)).toMatchObject({ statusCode: 400 });
  });
});

describe('a portal session', () => {
  it('is told, and leads to a page that is soon over', async () => {
    const { stripe, control, customer } = await openPortal();
    const session = await stripe.billingPortal.sessions.create({
      customer: customer.id,
      return_url: 'https://shop.example.com/account',
    });
    expect(session.id).toMatch(/^bps_/);
    const created = await stripe.events.list({ type: 'billing_portal.session.created', limit: 1 });
    expect(created.data).toMatchObject([{ data: { object: { id: session.id, customer: customer.id } } }]);
    expect((await fetch(session.url)).status).toBe(200);
    // Opened, it lasts an hour from its last use.
    await control.setTimeOffset(59 * 60_000);
    expect((await fetch(session.url)).status).toBe(200);
    await control.setTimeOffset(120 * 60_000);
    expect((await fetch(session.url)).status).toBe(404);
    const unopened = await stripe.billingPortal.sessions.create({ customer: customer.id });
    await control.setTimeOffset(126 * 60_000);
    expect((await fetch(unopened.url)).status).toBe(404);
  });

  it('leads back to an address of the web only', async () => {
    const { stripe, customer } = await openPortal();
    const hostile = 'javascript:alert(1)';
    const session = stripe.billingPortal.sessions.create({ customer: customer.id, return_url: hostile });
    expect(await refusalOf(session)).toMatchObject({
      statusCode: 400,
      message: 'Not a valid URL',
      param: 'return_url',
    });
    const configuration = stripe.billingPortal.configurations.create({
      default_return_url: hostile,
      features: { invoice_history: { enabled: true } },
    });
    expect(await refusalOf(configuration)).toMatchObject({ statusCode: 400, param: 'default_return_url' });
  });

  it('is refused for a flow that lacks something or has nothing to do', async () => {
    const { stripe, control, customer, subscription, session } = await openPortal();
    const create = (flow_data: Stripe.BillingPortal.SessionCreateParams.FlowData) =>
      refusalOf(
        stripe.billingPortal.sessions.create({
          customer: customer.id,
          configuration: String(session.configuration),
          flow_data,
        }),
      );
    expect(await create({ type: 'subscription_cancel' })).toMatchObject({ code: 'parameter_missing' });
    const unknown = { type: 'subscription_cancel' as const, subscription_cancel: { subscription: 'sub_x' } };
    expect(await create(unknown)).toMatchObject({ code: 'resource_missing', statusCode: 400 });
    const [item] = subscription.items.data;
    const same = { subscription: subscription.id, items: [{ id: item?.id ?? '', quantity: 3 }] };
    expect(
      (await create({ type: 'subscription_update_confirm', subscription_update_confirm: same })).message,
    ).toBe('There are no changes to confirm.');
    await control.cancelInPortal(session.id, { subscription: subscription.id });
    const again = {
      type: 'subscription_cancel' as const,
      subscription_cancel: { subscription: subscription.id },
    };
    expect((await create(again)).message).toContain('is already set to be canceled at period end');
  });
});

describe('in the portal a customer', () => {
  it('ends a subscription with its period: only cancel_at is set', async () => {
    const { stripe, control, subscription, session, mark } = await openPortal();
    await control.cancelInPortal(session.id, { subscription: subscription.id });
    const ending = await stripe.subscriptions.retrieve(subscription.id);
    expect(ending).toMatchObject({
      status: 'active',
      cancel_at: ending.items.data[0]?.current_period_end,
      cancel_at_period_end: false,
      cancellation_details: { reason: 'cancellation_requested' },
    });
    const events = await eventsSince(stripe, mark);
    expect(typesOf(events)).toEqual(['customer.subscription.updated']);
    expect(events[0]?.request).toEqual({ id: null, idempotency_key: null });
    await control.renewInPortal(session.id, { subscription: subscription.id });
    expect(await stripe.subscriptions.retrieve(subscription.id)).toMatchObject({
      cancel_at: null,
      canceled_at: null,
      cancellation_details: { reason: null },
    });
  });

  it('of a classic subscription sets cancel_at_period_end', async () => {
    const { stripe, control, customer, price, session } = await openPortal();
    const { id } = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id }],
      billing_mode: { type: 'classic' },
    });
    await control.cancelInPortal(session.id, { subscription: id });
    expect(await stripe.subscriptions.retrieve(id)).toMatchObject({ cancel_at_period_end: true });
  });

  it('ends it at once where the configuration says so', async () => {
    const { stripe, control, subscription, session, mark } = await openPortal({
      subscription_cancel: { enabled: true, mode: 'immediately' },
    });
    await control.cancelInPortal(session.id, { subscription: subscription.id });
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('canceled');
    expect(typesOf(await eventsSince(stripe, mark))).toEqual(['customer.subscription.deleted']);
  });

  it('changes the quantity, which is billed as the configuration says', async () => {
    const { stripe, control, subscription, session } = await openPortal();
    await control.updateInPortal(session.id, { subscription: subscription.id, items: [{ quantity: 5 }] });
    const after = await stripe.subscriptions.retrieve(subscription.id, { expand: ['latest_invoice'] });
    expect(after).toMatchObject({
      items: { data: [{ quantity: 5 }] },
      latest_invoice: { billing_reason: 'subscription_update', status: 'paid' },
    });
  });

  it('can’t change what the configuration does not offer', async () => {
    const { stripe, control, subscription, session, price } = await openPortal();
    const other = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 900,
      recurring: { interval: 'month' },
      product: String(price.product),
    });
    const update = { subscription: subscription.id, items: [{ price: other.id }] };
    await expect(control.updateInPortal(session.id, update)).rejects.toThrow('does not offer');
    await expect(control.updateCustomerInPortal(session.id, { name: 'Ada' })).rejects.toThrow('name');
    expect(await control.updateCustomerInPortal(session.id, { email: 'new@example.com' })).toMatchObject({
      email: 'new@example.com',
    });
  });

  it('changes the card: it becomes the default, and a subscription’s own card stays', async () => {
    const { stripe, control, customer, subscription, session, mark } = await openPortal();
    const { payment_method: card } = await control.changeCardInPortal(session.id, {
      card: 'pm_card_mastercard',
    });
    const changed = await stripe.customers.retrieve(customer.id);
    expect(changed).toMatchObject({ invoice_settings: { default_payment_method: card } });
    expect(typesOf(await eventsSince(stripe, mark))).toEqual([
      'setup_intent.created',
      'payment_method.attached',
      'setup_intent.succeeded',
      'customer.updated',
    ]);
    expect((await stripe.subscriptions.retrieve(subscription.id)).default_payment_method).toBeNull();
    const own = await control.changeCardInPortal(session.id, {
      card: 'pm_card_visa',
      subscription: subscription.id,
    });
    expect((await stripe.subscriptions.retrieve(subscription.id)).default_payment_method).toBe(
      own.payment_method,
    );
  });

  it('with a refused card or without the bank’s check keeps the old one', async () => {
    const { stripe, control, customer, session } = await openPortal();
    const { invoice_settings: before } = (await stripe.customers.retrieve(customer.id)) as Stripe.Customer;
    const declined = control.changeCardInPortal(session.id, { card: 'pm_card_chargeDeclined' });
    await expect(declined).rejects.toThrow('declined');
    const unchecked = control.changeCardInPortal(session.id, {
      card: 'pm_card_authenticationRequired',
      authenticates: false,
    });
    await expect(unchecked).rejects.toThrow();
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ invoice_settings: before });
    const checked = await control.changeCardInPortal(session.id, { card: 'pm_card_authenticationRequired' });
    expect(checked.payment_method).toMatch(/^pm_/);
    const failed = await stripe.events.list({ type: 'setup_intent.setup_failed' });
    expect(failed.data).toHaveLength(2);
  });
});
