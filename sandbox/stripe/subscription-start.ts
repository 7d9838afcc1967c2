import { type Bill, billSubscription, emitBill } from './invoice-state.ts';
import { type Customer, customerTable, updateCustomer } from './resources/customers.ts';
import { renderSubscription, type Subscription, storeSubscription } from './subscription-state.ts';
import type { Transaction } from './transaction.ts';

const daySeconds = 86_400;
/** Stripe tells about a trial's end this long before, or at once when the trial is shorter. */
const trialNoticeSeconds = 3 * daySeconds;

/** A new subscription with its first invoice, stored; its events are written by the functions below. */
export interface StartedSubscription {
  readonly subscription: Subscription;
  readonly bill: Bill;
}

/**
 * Bills a subscription that has just been made.
 * @param start.pay `now`: charged at once; `processing`: by a method that takes days; `later`: not tried
 */
export function billNewSubscription(
  tx: Transaction,
  start: { subscription: Subscription; pay: 'now' | 'processing' | 'later' },
): StartedSubscription {
  const bill = billSubscription(tx, start);
  const subscription = storeSubscription(tx, { ...start.subscription, latest_invoice: bill.open.id });
  return { subscription, bill };
}

/** What comes first: the charge, and the customer, who now has a currency. */
export function emitCharge(tx: Transaction, started: StartedSubscription): void {
  if (started.bill.payment?.charge) tx.emit('charge.succeeded', started.bill.payment.charge);
}

/** Gives the customer the currency of its first subscription. */
export function settleCurrency(tx: Transaction, started: StartedSubscription): void {
  const customer: Customer | undefined = tx.get(customerTable, started.subscription.customer);
  if (customer && customer.currency === null) {
    updateCustomer(tx, customer, { currency: started.subscription.currency });
  }
}

/** What follows: the subscription, then its payment and invoice. */
export function emitStarted(tx: Transaction, { subscription, bill }: StartedSubscription): void {
  const shown = renderSubscription(tx, subscription);
  tx.emit('customer.subscription.created', shown);
  if (subscription.trial_end !== null && subscription.trial_end - tx.now <= trialNoticeSeconds) {
    tx.emit('customer.subscription.trial_will_end', shown);
  }
  emitBill(tx, bill);
}
