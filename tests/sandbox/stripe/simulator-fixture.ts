import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { onTestFinished } from 'vitest';
import {
  type StripeSimulator,
  type StripeSimulatorOptions,
  startStripeSimulator,
} from '../../../sandbox/stripe/simulator.ts';
import { createJudge, type Judge } from './conformance/judge.ts';

/** A simulator of this test's own and a real stripe-node client that talks to it. */
export interface Sandbox {
  readonly simulator: StripeSimulator;
  readonly control: StripeSimulator['control'];
  readonly stripe: Stripe;
}

/**
 * Starts both; they are gone when the test is. The test fails when an answer or an event does not fit Stripe's
 * specification.
 */
export async function startSandbox(options: StripeSimulatorOptions = {}): Promise<Sandbox> {
  const judge = await judgeOfThisTest();
  const simulator = await startStripeSimulator({ ...options, observer: judge });
  onTestFinished(() => simulator.close());
  return { simulator, control: simulator.control, stripe: clientOf(simulator) };
}

/** For what counts in days across months: the time of a simulator that begins at this moment, on whatever day it is run. */
export function runningFrom(moment: string): () => number {
  const aheadMs = Date.parse(moment) - Date.now();
  return () => Date.now() + aheadMs;
}

async function judgeOfThisTest(): Promise<Judge> {
  const judge = await createJudge();
  onTestFinished(() => judge.assertConformance());
  return judge;
}

/** A client that tries once, so that a test sees each answer. */
export function clientOf(simulator: StripeSimulator, options: { maxNetworkRetries?: number } = {}): Stripe {
  return new Stripe('sk_test_sandbox', {
    host: simulator.host,
    port: simulator.port,
    protocol: 'http',
    maxNetworkRetries: options.maxNetworkRetries ?? 0,
  });
}

/** What an endpoint has received. */
interface ReceivedWebhook {
  readonly body: string;
  readonly signature: string;
}

export interface Receiver {
  readonly url: string;
  readonly received: ReceivedWebhook[];
  /** The types of what came, in the order in which it came. */
  types(): string[];
  /** Statuses for the next answers; 200 when there are no more. */
  answerNext(...statuses: number[]): void;
}

/** An endpoint that keeps what comes, held against Stripe's specification. `delayMs`: how long each answer takes. */
export async function startReceiver(
  options: { delayMs?: number; location?: string } = {},
): Promise<Receiver> {
  const judge = await judgeOfThisTest();
  const received: ReceivedWebhook[] = [];
  const answers: number[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      received.push({ body, signature: String(request.headers['stripe-signature']) });
      judge.onEvent(JSON.parse(body));
      const headers = options.location === undefined ? {} : { location: options.location };
      setTimeout(() => response.writeHead(answers.shift() ?? 200, headers).end(), options.delayMs ?? 0);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/webhooks`,
    received,
    types: () => received.map(({ body }) => (JSON.parse(body) as { type: string }).type),
    answerNext: (...statuses) => answers.push(...statuses),
  };
}

/** A monthly price of 5.00 USD with its product. */
export async function createLicensePrice(stripe: Stripe): Promise<Stripe.Price> {
  return stripe.prices.create({
    currency: 'usd',
    unit_amount: 500,
    recurring: { interval: 'month' },
    product_data: { name: 'Licence' },
  });
}

/** A customer with a card, which pays unless another is named. */
export async function createCustomer(
  stripe: Stripe,
  parameters: Stripe.CustomerCreateParams = {},
  card = 'pm_card_visa',
): Promise<Stripe.Customer> {
  return stripe.customers.create({
    payment_method: card,
    invoice_settings: { default_payment_method: card },
    ...parameters,
  });
}

/** A customer with an active subscription of one item. */
export async function createSubscription(
  stripe: Stripe,
  quantity: number,
): Promise<{
  customer: Stripe.Customer;
  price: Stripe.Price;
  subscription: Stripe.Subscription;
  itemId: string;
}> {
  const price = await createLicensePrice(stripe);
  const customer = await createCustomer(stripe, { email: 'buyer@example.com' });
  const subscription = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: price.id, quantity }],
  });
  const [item] = subscription.items.data;
  if (!item) throw new Error('the subscription has no item');
  return { customer, price, subscription, itemId: item.id };
}

/** The events written since the given one, oldest first. */
export async function eventsSince(stripe: Stripe, eventId: string | undefined): Promise<Stripe.Event[]> {
  const page = await stripe.events.list({ limit: 100, ...(eventId ? { ending_before: eventId } : {}) });
  return [...page.data].reverse();
}

/** The newest event's id, as the mark from which a scenario's events count. */
export async function newestEvent(stripe: Stripe): Promise<string | undefined> {
  const page = await stripe.events.list({ limit: 1 });
  return page.data[0]?.id;
}

/** What a call that must fail was refused with. */
export async function refusalOf(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return error;
    throw error;
  }
  throw new Error('the call was not refused');
}
