import { customerTable, updateCustomer } from '../../resources/customers.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import {
  type Bill,
  billSubscription,
  emitBill,
  emitBillCharge,
  emitBillRefused,
  isRefused,
} from '../invoices/invoice-billing.ts';
import { pendingItems } from '../invoices/invoice-item-state.ts';
import { createProrations } from '../invoices/prorations.ts';
import type { AttemptManner } from '../payments/payment-attempt.ts';
import { itemsAround } from './subscription-item-periods.ts';
import { methodPaidWith } from './subscription-payment-method.ts';
import { priceOf, renderSubscription, type Subscription, storeSubscription } from './subscription-state.ts';

/** A new subscription with its first invoice, stored; its events are written by the functions below. */
export interface StartedSubscription {
  readonly subscription: Subscription;
  /** Null when there is nothing to bill yet. */
  readonly bill: Bill | null;
}

/**
 * Bills a subscription that has just been made, and gives it the status that follows. Emits nothing.
 * @param first.attempt null: nobody is charged; the client is to pay, or the invoice is sent
 * @param first.isProrated whether a first period that is shorter than the others is billed
 */
export function billFirst(
  tx: Transaction,
  first: {
    subscription: Subscription;
    attempt: AttemptManner | null;
    isProrated?: boolean;
  },
): StartedSubscription {
  const { subscription, attempt } = first;
  const items = firstItems(tx, subscription, first.isProrated ?? true);
  if (items === null) return { subscription: begin(tx, subscription, null), bill: null };
  const bill = billSubscription(tx, { subscription, reason: 'subscription_create', items, attempt });
  return { subscription: begin(tx, subscription, bill), bill };
}

/** What comes first: the charge. */
export function emitCharge(tx: Transaction, { bill }: StartedSubscription): void {
  if (bill) emitBillCharge(tx, bill);
}

/** Gives the customer the currency of its first subscription. */
export function settleCurrency(tx: Transaction, { subscription }: StartedSubscription): void {
  const customer = tx.get(customerTable, subscription.customer);
  if (customer?.currency === null) updateCustomer(tx, customer, { currency: subscription.currency });
}

/** What follows: the subscription, then its payment and invoice; a payment that has failed comes before both. */
export function emitStarted(tx: Transaction, { subscription, bill }: StartedSubscription): void {
  if (bill && isRefused(bill)) emitBillRefused(tx, bill);
  const shown = renderSubscription(tx, subscription);
  tx.emit('customer.subscription.created', shown);
  if (subscription.status === 'trialing' && subscription.internals.trialNoticeAt === null) {
    tx.emit('customer.subscription.trial_will_end', shown);
  }
  if (bill) emitBill(tx, bill, { isRefused: isRefused(bill) });
}

/**
 * The items that get a line for their whole period; null for no invoice at all. Usage is billed afterwards, so a
 * subscription of nothing else has no first invoice, but for classic billing.
 */
function firstItems(
  tx: Transaction,
  subscription: Subscription,
  isProrated: boolean,
): Subscription['items'] | null {
  const { billing_cycle_anchor: anchor, customer, status, test_clock } = subscription;
  const now = timeOf(tx, test_clock);
  const hasPending =
    pendingItems(tx, { customer, subscription: subscription.id }).length > 0 ||
    pendingItems(tx, { customer, subscription: null }).length > 0;
  if (status !== 'trialing' && anchor > now) {
    const whole = { ...subscription, items: itemsAround(tx, subscription, now) };
    const before = { ...subscription, items: [] };
    const parts = isProrated ? createProrations(tx, { before, after: whole, at: now }) : [];
    return parts.length > 0 || hasPending ? [] : null;
  }
  const isLicensed = subscription.items.some(
    (item) => priceOf(tx, item).recurring?.usage_type === 'licensed',
  );
  const isBilled = isLicensed || hasPending || subscription.billing_mode.type === 'classic';
  return isBilled ? subscription.items : null;
}

/** A delayed payment counts as made until its bank says otherwise. */
function begin(tx: Transaction, subscription: Subscription, bill: Bill | null): Subscription {
  const isOpen = bill !== null && bill.invoice.status !== 'paid' && bill.outcome?.kind !== 'processing';
  const isIncomplete =
    subscription.status === 'incomplete' &&
    isOpen &&
    subscription.collection_method === 'charge_automatically';
  const expiresAt = timeOf(tx, subscription.test_clock) + tx.account.billing.incompleteExpirySeconds;
  return storeSubscription(tx, {
    ...subscription,
    ...(bill?.invoice.status === 'paid' ? methodPaidWith(tx, subscription, bill.invoice.id) : {}),
    internals: { ...subscription.internals, expiresAt: isIncomplete ? expiresAt : null },
    latest_invoice: bill?.invoice.id ?? null,
    status: subscription.status === 'trialing' ? 'trialing' : isIncomplete ? 'incomplete' : 'active',
  });
}
