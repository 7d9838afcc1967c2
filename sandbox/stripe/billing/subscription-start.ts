import { invalidRequest, parameterMissing } from '../api/errors.ts';
import { mergeMetadata } from '../api/parameters.ts';
import { type Customer, customerInParameter, customerTable, updateCustomer } from '../resources/customers.ts';
import type { Transaction } from '../state/transaction.ts';
import { priceTable } from './catalog.ts';
import { type Bill, billSubscription, emitBill } from './invoice-payment.ts';
import { cancellationOf } from './subscription-cancellation.ts';
import { startItems } from './subscription-item-changes.ts';
import type { CreateSubscription } from './subscription-parameters.ts';
import {
  inertSubscription,
  renderSubscription,
  type Subscription,
  storeSubscription,
} from './subscription-state.ts';

const daySeconds = 86_400;
/** Stripe tells about a trial's end this long before, or at once when the trial is shorter. */
const trialNoticeSeconds = 3 * daySeconds;

/** Makes a subscription without its invoice; nothing is emitted yet. */
export function startSubscription(tx: Transaction, parameters: CreateSubscription): Subscription {
  const customer = customerInParameter(tx, parameters.customer, 'customer');
  const id = tx.newId('sub');
  const trialEnd = trialEndOf(tx, parameters);
  const items = startItems(tx, { subscription: id, items: parameters.items, periodEnd: trialEnd });
  const [first] = items;
  const currency = first ? tx.get(priceTable, first.price)?.currency : undefined;
  if (!currency) throw parameterMissing('items');
  const row: Subscription = {
    id,
    object: 'subscription',
    ...inertSubscription,
    billing_cycle_anchor: trialEnd ?? tx.now,
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: { comment: null, feedback: null, feedback_option: null, reason: null },
    collection_method: parameters.collection_method ?? 'charge_automatically',
    created: tx.now,
    currency,
    customer: customer.id,
    days_until_due: parameters.days_until_due ?? null,
    default_payment_method: parameters.default_payment_method ?? null,
    description: parameters.description ?? null,
    ended_at: null,
    items,
    latest_invoice: null,
    metadata: mergeMetadata({}, parameters.metadata),
    pause_collection: null,
    start_date: tx.now,
    status: statusAtStart(parameters, trialEnd),
    trial_end: trialEnd,
    trial_start: trialEnd === null ? null : tx.now,
  };
  return storeSubscription(tx, { ...row, ...cancellationOf(tx, row, parameters) });
}

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

/** `default_incomplete` waits for the client to pay; every other way ends active, because cards always work. */
function statusAtStart(parameters: CreateSubscription, trialEnd: number | null): Subscription['status'] {
  if (trialEnd !== null) return 'trialing';
  const isSent = parameters.collection_method === 'send_invoice';
  return parameters.payment_behavior === 'default_incomplete' && !isSent ? 'incomplete' : 'active';
}

function trialEndOf(tx: Transaction, parameters: CreateSubscription): number | null {
  if (typeof parameters.trial_end === 'number') {
    if (parameters.trial_end <= tx.now) {
      throw invalidRequest({
        param: 'trial_end',
        message: 'Invalid timestamp: must be an integer Unix timestamp in the future.',
      });
    }
    return parameters.trial_end;
  }
  return parameters.trial_period_days ? tx.now + parameters.trial_period_days * daySeconds : null;
}
