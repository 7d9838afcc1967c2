import type { Transaction } from '../../state/transaction.ts';
import type { Invoice } from '../invoices/invoice-state.ts';
import { endSubscription } from './subscription-end.ts';
import { isPausable, pauseSubscription } from './subscription-pausing.ts';
import { standingOf } from './subscription-standing.ts';
import { type Subscription, storeSubscription, updateSubscription } from './subscription-state.ts';

/** A payment has failed: past due, or paused already, as the settings say. Writes the events. */
export function fallBehind(tx: Transaction, subscription: Subscription, invoice: Invoice): void {
  const isFirstFailure = invoice.billing_reason === 'subscription_cycle' && invoice.attempt_count === 1;
  if (tx.account.billing.pausesAtFirstFailure && isFirstFailure && isPausable(subscription)) {
    pauseSubscription(tx, subscription, { reason: 'first_payment_failure' });
  } else {
    updateSubscription(tx, subscription, { status: 'past_due' });
  }
}

/** Nobody will try the invoice of a subscription again: what the settings say happens. Writes the events. */
export function endCollection(tx: Transaction, subscription: Subscription): void {
  const { subscriptionAtEnd } = tx.account.billing;
  if (subscriptionAtEnd === 'past_due' || subscriptionAtEnd === 'unpaid') {
    updateSubscription(tx, subscription, { status: subscriptionAtEnd });
  } else if (subscriptionAtEnd === 'pause' && isPausable(subscription)) {
    pauseSubscription(tx, subscription, { reason: 'final_payment_failure' });
  } else {
    // One that can't be paused is canceled instead.
    endSubscription(tx, subscription, { reason: 'payment_failed' });
  }
}

/** A sent invoice has been overdue for as long as the settings allow. Writes the events. */
export function endOverdue(tx: Transaction, before: Subscription): void {
  const row = storeSubscription(tx, { ...before, internals: { ...before.internals, overdue: null } });
  if (row.status === 'past_due' && standingOf(tx, row) === 'owing') endCollection(tx, row);
}
