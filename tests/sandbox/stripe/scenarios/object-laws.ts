import type Stripe from 'stripe';
import { expect } from 'vitest';

type Law<Thing> = (object: Thing) => void;

/** What holds for an invoice at every moment. */
const ofInvoice: Law<Stripe.Invoice> = (invoice) => {
  const { lines, starting_balance: balance, status, status_transitions: since, total } = invoice;
  if (!lines.has_more) {
    expect(sum(lines.data.map(({ amount }) => amount))).toBe(invoice.subtotal);
  }
  const isFinalized = status !== 'draft' && invoice.billing_reason !== 'upcoming';
  expect(since.finalized_at !== null, 'finalized_at').toBe(isFinalized);
  expect(invoice.number !== null, 'number').toBe(isFinalized);
  expect(since.paid_at !== null, 'paid_at').toBe(status === 'paid');
  expect(since.voided_at !== null, 'voided_at').toBe(status === 'void');
  if (isFinalized) {
    expect(invoice.amount_due).toBe(Math.max(0, total + balance));
    expect(invoice.ending_balance).toBe(Math.min(0, total + balance));
  }
  if (status !== 'paid') expect(invoice.amount_paid).toBe(0);
  expect(invoice.amount_remaining).toBe(invoice.amount_due - invoice.amount_paid);
  if (status === 'paid' || status === 'void') {
    expect(invoice).toMatchObject({ auto_advance: false, next_payment_attempt: null });
  }
  if (status === 'paid') expect(invoice.amount_remaining).toBe(0);
  if (invoice.collection_method === 'send_invoice') expect(invoice.next_payment_attempt).toBeNull();
  else expect(invoice.due_date).toBeNull();
};

/** What holds for a subscription at every moment. */
const ofSubscription: Law<Stripe.Subscription> = (subscription) => {
  const { items, status } = subscription;
  const hasEnded = status === 'canceled' || status === 'incomplete_expired';
  expect(subscription.ended_at !== null, 'ended_at').toBe(hasEnded);
  expect(subscription.status_details?.paused !== undefined, 'status_details').toBe(status === 'paused');
  if (subscription.cancel_at_period_end) expect(subscription.cancel_at, 'cancel_at').not.toBeNull();
  if (status === 'trialing') expect(subscription.trial_end, 'trial_end').not.toBeNull();
  for (const item of items.data) {
    expect(item.subscription).toBe(subscription.id);
    expect(item.current_period_end).toBeGreaterThanOrEqual(item.current_period_start);
  }
};

const ofPaymentIntent: Law<Stripe.PaymentIntent> = (intent) => {
  expect(intent.amount_received).toBe(intent.status === 'succeeded' ? intent.amount : 0);
  if (intent.status === 'requires_action') expect(intent.next_action).not.toBeNull();
  else expect(intent.next_action).toBeNull();
};

const ofCharge: Law<Stripe.Charge> = (charge) => {
  expect(charge.refunded).toBe(charge.amount > 0 && charge.amount_refunded === charge.amount);
  expect(charge.failure_code !== null).toBe(charge.status === 'failed');
  if (charge.status === 'failed') expect(charge.paid).toBe(false);
};

/** Holds what an event shows against what must be true of such an object. @throws AssertionError */
export function checkObject({ data: { object }, type }: Stripe.Event): void {
  try {
    if (object.object === 'invoice') ofInvoice(object);
    if (object.object === 'subscription') ofSubscription(object);
    if (object.object === 'payment_intent') ofPaymentIntent(object);
    if (object.object === 'charge') ofCharge(object);
  } catch (error) {
    if (error instanceof Error) error.message = `${type} shows what can't be: ${error.message}`;
    throw error;
  }
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
