import type Stripe from 'stripe';
import { expect } from 'vitest';
import {
  createCustomer,
  createLicensePrice,
  eventsSince,
  newestEvent,
  type Sandbox,
  startSandbox,
} from './simulator-fixture.ts';

const waitMaxMs = 20_000;

/** A customer with a card on a test clock, and the price that they buy. */
export interface Scenario extends Sandbox {
  readonly clock: string;
  readonly customer: Stripe.Customer;
  /** 5.00 USD a month. */
  readonly price: Stripe.Price;
  /** Makes a subscription of 10 at the price. */
  subscribe(parameters?: Partial<Stripe.SubscriptionCreateParams>): Promise<Stripe.Subscription>;
  /** Lets the clock's time pass. @param at unix seconds, or an ISO date and time */
  advance(at: number | string): Promise<void>;
  /** The events that were written since the last call, oldest first, without those about test clocks. */
  events(): Promise<Stripe.Event[]>;
  /** The same by their types. */
  types(): Promise<string[]>;
  /** The subscription as it is now, with its newest invoice. */
  read(id: string): Promise<Stripe.Subscription>;
}

/** Starts one. @param options.at an ISO date and time */
export async function startScenario(options: { card?: string | null; at?: string } = {}): Promise<Scenario> {
  const sandbox = await startSandbox();
  const { stripe } = sandbox;
  const frozen = seconds(options.at ?? '2027-01-15T12:00:00Z');
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: frozen });
  const customer =
    options.card === null
      ? await stripe.customers.create({ test_clock: clock.id })
      : await createCustomer(stripe, { test_clock: clock.id }, options.card);
  const price = await createLicensePrice(stripe);
  let mark = await newestEvent(stripe);
  const events = async (): Promise<Stripe.Event[]> => {
    const all = await eventsSince(stripe, mark);
    mark = all.at(-1)?.id ?? mark;
    return all.filter(({ type }) => !type.startsWith('test_helpers.'));
  };
  return {
    ...sandbox,
    clock: clock.id,
    customer,
    price,
    subscribe: (parameters = {}) =>
      stripe.subscriptions.create({
        customer: customer.id,
        items: [{ price: price.id, quantity: 10 }],
        ...parameters,
      }),
    async advance(at) {
      await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: seconds(at) });
      await expect
        .poll(async () => (await stripe.testHelpers.testClocks.retrieve(clock.id)).status, {
          timeout: waitMaxMs,
        })
        .toBe('ready');
    },
    events,
    types: async () => (await events()).map(({ type }) => type),
    read: (id) => stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] }),
  };
}

/** Unix seconds of an ISO date and time. */
export function seconds(at: number | string): number {
  return typeof at === 'number' ? at : Date.parse(at) / 1_000;
}

/** The item of a subscription that has one. */
export function onlyItem(subscription: Stripe.Subscription): Stripe.SubscriptionItem {
  const [item, ...others] = subscription.items.data;
  if (!item || others.length > 0) throw new Error('the subscription has not one item');
  return item;
}

/** The newest invoice of a subscription that was read with it. */
export function latestInvoice({ latest_invoice: invoice }: Stripe.Subscription): Stripe.Invoice {
  if (invoice === null || typeof invoice === 'string') throw new Error('the invoice was not read');
  return invoice;
}
