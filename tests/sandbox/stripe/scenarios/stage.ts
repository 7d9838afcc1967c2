import type Stripe from 'stripe';
import { expect } from 'vitest';
import type { StripeSimulatorOptions } from '../../../../sandbox/stripe/simulator.ts';
import { createCustomer, createLicensePrice, type Sandbox, startSandbox } from '../simulator-fixture.ts';
import { createStoryteller, type Storyteller } from './story.ts';

const readyMaxMs = 30_000;

/** A customer on a test clock, and what they buy. */
export interface Stage extends Sandbox, Storyteller {
  readonly clock: string;
  readonly customer: Stripe.Customer;
  /** 5.00 USD a month. */
  readonly price: Stripe.Price;
  /** Ten licences, unless other parameters are given. */
  subscribe(
    parameters?: Partial<Stripe.SubscriptionCreateParams>,
  ): Promise<Stripe.Response<Stripe.Subscription>>;
  /** Lets the clock's time pass. @param to an ISO date and time */
  advance(to: string): Promise<void>;
  /** With its newest invoice and that one's payments. */
  read(subscriptionId: string): Promise<Stripe.Subscription>;
  /** The newest invoice of a subscription. */
  invoice(subscriptionId: string): Promise<Stripe.Invoice>;
}

/**
 * Sets one up.
 * @param options.at the clock's time, ISO; @param options.card a test token, null for no card
 */
export async function startStage(
  options: { at?: string; card?: string | null; simulator?: StripeSimulatorOptions } = {},
): Promise<Stage> {
  const sandbox = await startSandbox(options.simulator);
  const { stripe } = sandbox;
  const { id: clock } = await stripe.testHelpers.testClocks.create({
    frozen_time: seconds(options.at ?? '2027-01-10T00:00:00Z'),
  });
  const customer =
    options.card === null
      ? await stripe.customers.create({ test_clock: clock })
      : await createCustomer(stripe, { test_clock: clock }, options.card);
  const price = await createLicensePrice(stripe);
  const read = (id: string): Promise<Stripe.Subscription> =>
    stripe.subscriptions.retrieve(id, { expand: ['latest_invoice.payments'] });
  return {
    ...sandbox,
    ...(await createStoryteller(stripe)),
    clock,
    customer,
    price,
    subscribe: (parameters) =>
      stripe.subscriptions.create({
        customer: customer.id,
        items: [{ price: price.id, quantity: 10 }],
        ...parameters,
      }),
    async advance(to) {
      await stripe.testHelpers.testClocks.advance(clock, { frozen_time: seconds(to) });
      await untilReady(stripe, clock);
    },
    read,
    async invoice(id) {
      const { latest_invoice: invoice } = await read(id);
      if (invoice === null || typeof invoice === 'string') throw new Error('the subscription has no invoice');
      return invoice;
    },
  };
}

/** Waits until a test clock has done all that was due. */
export async function untilReady(stripe: Stripe, clock: string): Promise<void> {
  const status = async (): Promise<string> => (await stripe.testHelpers.testClocks.retrieve(clock)).status;
  await expect.poll(status, { timeout: readyMaxMs, interval: 5 }).toBe('ready');
}

/** Unix seconds of an ISO date and time. */
export function seconds(iso: string): number {
  return Date.parse(iso) / 1_000;
}

/** ISO date and time, without milliseconds, of unix seconds. */
export function iso(at: number): string {
  return new Date(at * 1_000).toISOString().replace('.000Z', 'Z');
}

/** The item of a subscription that has one. */
export function onlyItem({ items }: Stripe.Subscription): Stripe.SubscriptionItem {
  const [item, ...others] = items.data;
  if (!item || others.length > 0) throw new Error('the subscription has not one item');
  return item;
}
