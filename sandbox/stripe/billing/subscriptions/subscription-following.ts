import type { Transaction } from '../../state/transaction.ts';
import { hasExhaustedRetries } from '../invoices/invoice-retries.ts';
import { type Invoice, invoiceTable, subscriptionIdOf } from '../invoices/invoice-state.ts';
import { invoicePaymentTable } from '../payments/payments.ts';
import { endCollection, fallBehind } from './subscription-dunning.ts';
import { endSubscription } from './subscription-end.ts';
import { methodPaidWith } from './subscription-payment-method.ts';
import { applyPendingUpdate, dropPendingUpdate } from './subscription-pending-update.ts';
import { finishResumption, resumeByItself, tryResumption } from './subscription-resumption.ts';
import { standingOf } from './subscription-standing.ts';
import {
  hasEnded,
  type Subscription,
  storeSubscription,
  subscriptionTable,
  updateSubscription,
} from './subscription-state.ts';

// What becomes of a subscription when something becomes of one of its invoices. All of these write the events.

/** An invoice has been paid or written off: what waited for it goes on. */
export function followSettled(tx: Transaction, invoiceId: string): void {
  const followed = followedBy(tx, invoiceId);
  if (!followed) return;
  const { invoice, subscription } = followed;
  const { pending, resumption } = subscription.internals;
  if (pending?.invoice === invoice.id) {
    if (invoice.status === 'paid') applyPendingUpdate(tx, subscription);
  } else if (resumption?.invoice === invoice.id) {
    finishResumption(tx, subscription, { changes: resumption.changes, status: 'active' });
  } else if (subscription.status === 'incomplete') {
    if (subscription.latest_invoice === invoice.id) activate(tx, subscription, invoice);
  } else if (isPausedByFailure(subscription)) {
    if (standingOf(tx, subscription) === 'paid') resumeByItself(tx, subscription);
  } else if (subscription.status !== 'paused') {
    updateSubscription(tx, subscription, {
      ...methodOf(tx, subscription, invoice),
      ...recovered(tx, subscription),
      internals: { ...subscription.internals, overdue: overdueWithout(subscription, invoice) },
    });
  }
}

/** An invoice has not been paid when it should have been. */
export function followUnpaid(tx: Transaction, invoiceId: string): void {
  const followed = followedBy(tx, invoiceId);
  if (!followed) return;
  const { invoice, subscription } = followed;
  const { pending, resumption } = subscription.internals;
  if (pending?.invoice === invoice.id) return;
  if (resumption?.invoice === invoice.id) {
    if (invoice.attempted) tryResumption(tx, subscription);
    return;
  }
  if (subscription.status !== 'active' && !isBehind(subscription)) return;
  if (standingOf(tx, subscription) !== 'owing') return;
  if (hasExhaustedRetries(tx, invoice)) endCollection(tx, subscription);
  else if (subscription.status === 'active') fallBehind(tx, subscription, invoice);
}

/** An invoice has been voided: what waited for it will not be, and the one before it counts. */
export function followVoided(tx: Transaction, invoiceId: string): void {
  const followed = followedBy(tx, invoiceId);
  if (!followed) return;
  const { invoice, subscription } = followed;
  const { pending, resumption } = subscription.internals;
  if (pending?.invoice === invoice.id) dropPendingUpdate(tx, subscription);
  else if (resumption?.invoice === invoice.id) {
    storeSubscription(tx, { ...subscription, internals: { ...subscription.internals, resumption: null } });
  } else if (subscription.status === 'incomplete') {
    if (subscription.latest_invoice === invoice.id) endSubscription(tx, subscription, {});
  } else {
    const isFallen = subscription.status === 'active' && standingOf(tx, subscription) === 'owing';
    updateSubscription(tx, subscription, {
      ...(isFallen ? { status: 'past_due' } : recovered(tx, subscription)),
      internals: { ...subscription.internals, overdue: overdueWithout(subscription, invoice) },
    });
  }
}

/** A sent invoice is overdue: its subscription is past due, and the time that is left to pay runs. */
export function followOverdue(tx: Transaction, invoiceId: string): void {
  const followed = followedBy(tx, invoiceId);
  if (!followed || followed.invoice.due_date === null) return;
  const { invoice, subscription } = followed;
  const endsAt = followed.invoice.due_date + tx.account.billing.sentInvoiceGraceSeconds;
  const overdue = subscription.internals.overdue ?? { invoice: invoice.id, endsAt };
  storeSubscription(tx, { ...subscription, internals: { ...subscription.internals, overdue } });
  followUnpaid(tx, invoice.id);
}

/** A delayed payment of a first invoice is on its way: the subscription runs meanwhile. */
export function followProcessing(tx: Transaction, intentId: string): void {
  const index = { name: 'payment_intent', key: intentId };
  const [payment] = tx.table(invoicePaymentTable).newestFirst({ index });
  const followed = payment && followedBy(tx, payment.invoice);
  if (followed?.subscription.status === 'incomplete') activate(tx, followed.subscription, followed.invoice);
}

/** An invoice and the subscription that it bills; undefined when there is none that still runs. */
function followedBy(
  tx: Transaction,
  id: string,
): { invoice: Invoice; subscription: Subscription } | undefined {
  const invoice = tx.get(invoiceTable, id);
  const subscriptionId = invoice && subscriptionIdOf(invoice);
  const subscription = subscriptionId ? tx.get(subscriptionTable, subscriptionId) : undefined;
  return invoice && subscription && !hasEnded(subscription) ? { invoice, subscription } : undefined;
}

function activate(tx: Transaction, subscription: Subscription, invoice: Invoice): void {
  updateSubscription(tx, subscription, {
    ...methodOf(tx, subscription, invoice),
    internals: { ...subscription.internals, expiresAt: null },
    status: 'active',
  });
}

function recovered(tx: Transaction, subscription: Subscription): Partial<Subscription> {
  return isBehind(subscription) && standingOf(tx, subscription) === 'paid' ? { status: 'active' } : {};
}

function isBehind({ status }: Subscription): boolean {
  return status === 'past_due' || status === 'unpaid';
}

function isPausedByFailure({ status, status_details: details }: Subscription): boolean {
  const type = details?.paused.subscription.type;
  return status === 'paused' && (type === 'first_payment_failure' || type === 'final_payment_failure');
}

function methodOf(tx: Transaction, subscription: Subscription, invoice: Invoice): Partial<Subscription> {
  return invoice.status === 'paid' ? methodPaidWith(tx, subscription, invoice.id) : {};
}

function overdueWithout({ internals }: Subscription, settled: Invoice): Subscription['internals']['overdue'] {
  return internals.overdue?.invoice === settled.id ? null : internals.overdue;
}
