import type Stripe from 'stripe';
import type { BillingSettings } from '../../../../sandbox/stripe/billing/billing-settings.ts';
import type { StripeSimulatorOptions } from '../../../../sandbox/stripe/simulator.ts';
import { iso, onlyItem, type Stage, seconds, startStage } from './stage.ts';
import { startWitness, type Witnessed } from './witness.ts';

const day = 86_400;
const start = '2027-01-15T09:00:00Z';
const end = '2028-03-01T00:00:00Z';

/** How the thirteen months of a subscription go. */
export interface Course {
  /** Seconds by which the clock is moved at most. */
  readonly stepSeconds: number;
  readonly simulator?: StripeSimulatorOptions;
  /** When the second card fails too, what becomes of the subscription then, and when somebody pays after all. */
  readonly secondFailure?: { subscriptionAtEnd: BillingSettings['subscriptionAtEnd']; recoversAt: string };
}

/** What has become of it. */
export interface Chronicle {
  /** One line for each invoice, oldest first: `0002 cycle 2027-01-15/2027-02-15: 5000 = 5000 paid (1)`. */
  readonly invoices: readonly string[];
  /** One line for each change of the subscription's status, with the frozen time. */
  readonly statuses: readonly string[];
  readonly witnessed: readonly Witnessed[];
  /** As `/v1/events` has them, oldest first. */
  readonly events: readonly Stripe.Event[];
  readonly subscription: Stripe.Subscription;
}

interface Act {
  readonly at: string;
  readonly act: () => Promise<unknown>;
}

/**
 * Ten licences from 15 January 2027, 09:00: sixteen from 1 March on; a card that fails from the 4th renewal on, three
 * retries, and a new card that pays before the fourth; an annual add-on in August; the end with the period in the 13th
 * month. The card may fail once more in October.
 */
export async function liveThirteenMonths(course: Course): Promise<Chronicle> {
  const stage = await startStage({ at: start, ...(course.simulator ? { simulator: course.simulator } : {}) });
  const { control, stripe } = stage;
  await control.configureBilling({
    retryAfterSeconds: [3 * day, 5 * day, 7 * day, 7 * day],
    subscriptionAtEnd: course.secondFailure?.subscriptionAtEnd ?? 'cancel',
  });
  const witnessed = await startWitness(stage, stage.clock);
  const subscription = await stage.subscribe();
  let now = seconds(start);
  const pass = async (to: string): Promise<void> => {
    while (now < seconds(to)) {
      now = Math.min(now + course.stepSeconds, seconds(to));
      await stage.advance(iso(now));
    }
  };
  for (const { at, act } of actsOf(stage, subscription, course)) {
    await pass(at);
    await act();
  }
  await pass(end);
  await control.waitUntilIdle();
  const { events } = await stage.story();
  const invoices = await stripe.invoices.list({ subscription: subscription.id, limit: 100 });
  return {
    invoices: [...invoices.data].reverse().map(lineOf),
    statuses: statusesOf(witnessed),
    witnessed,
    events,
    subscription: await stage.read(subscription.id),
  };
}

function actsOf(stage: Stage, subscription: Stripe.Subscription, { secondFailure }: Course): readonly Act[] {
  const { stripe } = stage;
  const { id } = subscription;
  const failing = { act: () => changeCard(stage, 'pm_card_chargeCustomerFail') };
  const recover = (): Promise<void> => recoverAll(stage, id);
  return [
    {
      at: '2027-03-01T09:00:00Z',
      act: () =>
        stripe.subscriptions.update(id, { items: [{ id: onlyItem(subscription).id, quantity: 16 }] }),
    },
    { at: '2027-05-01T00:00:00Z', ...failing },
    { at: '2027-06-02T12:00:00Z', act: recover },
    { at: '2027-08-01T09:00:00Z', act: () => addAnnualItem(stage, id) },
    ...(secondFailure
      ? [
          { at: '2027-09-20T00:00:00Z', ...failing },
          { at: secondFailure.recoversAt, act: recover },
        ]
      : []),
    {
      at: '2028-02-01T00:00:00Z',
      act: async () => {
        const { status } = await stage.read(id);
        if (status !== 'canceled') await stripe.subscriptions.update(id, { cancel_at: 'min_period_end' });
      },
    },
  ];
}

async function changeCard({ customer, stripe }: Stage, token: string): Promise<void> {
  const card = await stripe.paymentMethods.attach(token, { customer: customer.id });
  await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: card.id } });
}

/** A card that works, and everything that is owed is paid: the oldest first. */
async function recoverAll(stage: Stage, subscription: string): Promise<void> {
  const { stripe } = stage;
  if ((await stage.read(subscription)).status === 'canceled') return;
  await changeCard(stage, 'pm_card_visa');
  const { data } = await stripe.invoices.list({ subscription, limit: 100 });
  for (const { id, status } of [...data].reverse()) {
    if (status === 'draft') await stripe.invoices.finalizeInvoice(id);
    if (status === 'draft' || status === 'open') await stripe.invoices.pay(id);
  }
}

async function addAnnualItem({ price, stripe }: Stage, subscription: string): Promise<void> {
  const annual = await stripe.prices.create({
    currency: 'usd',
    unit_amount: 12_000,
    recurring: { interval: 'year' },
    product: String(price.product),
  });
  await stripe.subscriptionItems.create({ subscription, price: annual.id, quantity: 1 });
}

function lineOf(invoice: Stripe.Invoice): string {
  const amounts = invoice.lines.data.map(({ amount }) => amount).sort((a, b) => a - b);
  const date = (at: number): string => iso(at).slice(0, 10);
  return [
    invoice.number?.slice(-4) ?? 'draft',
    invoice.billing_reason?.replace('subscription_', ''),
    `${date(invoice.period_start)}/${date(invoice.period_end)}:`,
    amounts.join(' + '),
    `= ${invoice.total} ${invoice.status} (${invoice.attempt_count})`,
  ].join(' ');
}

function statusesOf(witnessed: readonly Witnessed[]): string[] {
  const lines: string[] = [];
  let last: string | null = null;
  for (const { event, frozenAt } of witnessed) {
    if (event.data.object.object !== 'subscription' || event.data.object.status === last) continue;
    last = event.data.object.status;
    lines.push(`${iso(frozenAt)} ${last}`);
  }
  return lines;
}
