import { stripeCustomerIdSchema } from '../../domain/ids.ts';
import type { PaymentFate } from '../../sandbox/stripe/billing/payments/payment-fates.ts';
import { newId, purchase } from '../db/billing-rows.ts';
import { call } from './dunning-activities.ts';
import type { DunningWorld } from './dunning-world.ts';
import { type Customer, UnpaidCase } from './unpaid-case.ts';

type Bought = {
  unitAmount?: number;
  currency?: string;
  /** The invoice is sent and has to be paid so many days later; missing: it is charged. */
  daysUntilDue?: number;
};

const SECOND_MS = 1_000;
const FEBRUARY = 1;
const LEAP_DAY = 29;

/** A tenant whose renewal has just failed, so that a case was opened, and its run started. */
export async function openCase(
  world: DunningWorld,
  options: Bought & { outcome?: PaymentFate['outcome']; isWoken?: boolean } = {},
): Promise<UnpaidCase> {
  const { outcome = declined('insufficient_funds'), isWoken = true } = options;
  await world.stripeReaches(aYearBefore(await startOfStory(world)));
  const customer = await newCustomer(world);
  const { subscription, renewsAt } = await subscribe(world, customer, options);
  await fail(world, customer, outcome);
  await world.stripeReaches(after(renewsAt));
  const woken = await world.look(customer.id);
  if (isWoken) for (const each of woken) await world.runs.wake(each);
  await world.runs.quiet();
  return UnpaidCase.of(world, customer, subscription);
}

/** Whole seconds, as Stripe's, on a day that each year has, so that a renewal keeps it. */
export async function startOfStory(world: DunningWorld): Promise<Date> {
  let now = await world.now();
  if (now.getUTCMonth() === FEBRUARY && now.getUTCDate() === LEAP_DAY) {
    await world.reach(new Date(Date.UTC(now.getUTCFullYear(), FEBRUARY + 1, 1)));
    now = await world.now();
  }
  return new Date(Math.ceil(now.getTime() / SECOND_MS) * SECOND_MS);
}

export function aYearBefore(instant: Date): Date {
  const moved = new Date(instant);
  moved.setUTCFullYear(moved.getUTCFullYear() - 1);
  return moved;
}

/** A moment later: Stripe's clock has seconds. */
function after(instant: Date): Date {
  return new Date(instant.getTime() + SECOND_MS);
}

/** A tenant with a customer who has a card that pays. */
export async function newCustomer(world: DunningWorld): Promise<Customer> {
  const email = `${newId('ada')}@customer.example`;
  const created = await world.stripe.customers.create({
    email,
    name: 'Lovelace Ltd',
    payment_method: 'pm_card_visa',
    invoice_settings: { default_payment_method: 'pm_card_visa' },
  });
  const { tenant } = await call(world.main.createTenant, {
    provisioning_key: newId('create-tenant'),
    purchase: purchase({ email, stripe_customer_id: created.id }),
  });
  return { tenant, id: stripeCustomerIdSchema.parse(created.id), email };
}

/** Buys a subscription and has it known here. */
export async function subscribe(
  world: DunningWorld,
  customer: Customer,
  { unitAmount = 10_000, currency = 'usd', daysUntilDue }: Bought = {},
): Promise<{ subscription: string; renewsAt: Date }> {
  const product = await world.stripe.products.create({ name: 'Pro' });
  const price = await world.stripe.prices.create({
    product: product.id,
    currency,
    unit_amount: unitAmount,
    recurring: { interval: 'year' },
  });
  const { id, items } = await world.stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: price.id, quantity: 1 }],
    ...(daysUntilDue !== undefined && { collection_method: 'send_invoice', days_until_due: daysUntilDue }),
  });
  await call(world.onStripe.importSubscriptions, { customer: customer.id });
  return { subscription: id, renewsAt: new Date((items.data[0]?.current_period_end ?? 0) * SECOND_MS) };
}

export function declined(code: string): PaymentFate['outcome'] {
  return { kind: 'decline', decline_code: code };
}

/** From now on each payment of the customer fails like this. */
export async function fail(
  world: DunningWorld,
  customer: Customer,
  outcome: PaymentFate['outcome'] = declined('insufficient_funds'),
): Promise<void> {
  await world.control.setPaymentFate({ customer: customer.id, payments: 'every', outcome });
}
