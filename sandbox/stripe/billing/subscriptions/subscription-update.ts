import { invalidRequest } from '../../api/errors.ts';
import { sent } from '../../api/parameters.ts';
import type { Transaction } from '../../state/transaction.ts';
import { announceDraft } from '../invoices/invoice-announcement.ts';
import { emitBill, emitBillCharge, isRefused } from '../invoices/invoice-billing.ts';
import { emitProrations } from '../invoices/prorations.ts';
import { changedSubscription } from './subscription-change.ts';
import type { UpdateSubscription } from './subscription-parameters.ts';
import { refusedPayment } from './subscription-payment-refusal.ts';
import { dropPendingUpdate, refuseUnsupported, withPendingUpdate } from './subscription-pending-update.ts';
import {
  emitUpdate,
  hasEnded,
  renderSubscription,
  type Subscription,
  storeSubscription,
  subscriptionTable,
} from './subscription-state.ts';
import { type BilledChange, billChange } from './subscription-update-billing.ts';

/**
 * Updates a subscription as the API is asked to, with what is billed for it and all events.
 * @param paramOf where in the request an entry of its items stands
 * @returns it as it is then
 * @throws StripeError 400 for what can't be changed and when nobody can pay; 402 when a payment fails that must not
 */
export function updateAsAsked(
  tx: Transaction,
  asked: Subscription,
  parameters: UpdateSubscription,
  paramOf?: (index: number) => string,
): Subscription {
  const { payment_behavior: behavior } = parameters;
  refuseIfFinal(asked, parameters);
  if (behavior === 'pending_if_incomplete') refuseUnsupported(asked, parameters);
  const undo = tx.mark();
  const before = overridesPending(asked, parameters) ? dropPendingUpdate(tx, asked) : asked;
  const change = changedSubscription(tx, before, parameters, paramOf);
  const billed = billChange(tx, before, { change, parameters });
  if (billed.bill && billed.attempt && behavior === 'error_if_incomplete' && isRefused(billed.bill)) {
    undo();
    throw refusedPayment(tx, billed.bill, billed.attempt);
  }
  const invoice = billed.bill?.invoice ?? billed.draft;
  const isWaiting = behavior === 'pending_if_incomplete' && invoice !== null && invoice.status !== 'paid';
  const row = isWaiting
    ? withPendingUpdate(tx, before, { after: change.after, invoice: invoice.id })
    : { ...change.after, ...billed.consequences };
  tell(tx, { before, after: storeSubscription(tx, row), billed });
  return tx.get(subscriptionTable, asked.id) ?? row;
}

/** The subscription first, then what was prorated, then the invoice, which may change the subscription again. */
function tell(
  tx: Transaction,
  { before, after, billed }: { before: Subscription; after: Subscription; billed: BilledChange },
): void {
  emitUpdate(tx, before, after);
  const hasNewTrial = after.status === 'trialing' && after.trial_end !== before.trial_end;
  if (hasNewTrial && after.internals.trialNoticeAt === null) {
    tx.emit('customer.subscription.trial_will_end', renderSubscription(tx, after));
  }
  emitProrations(tx, billed.prorations);
  if (billed.draft) announceDraft(tx, billed.draft);
  if (!billed.bill) return;
  emitBillCharge(tx, billed.bill);
  emitBill(tx, billed.bill);
}

/** An update of what is billed takes the place of one that still waits. */
function overridesPending(row: Subscription, parameters: UpdateSubscription): boolean {
  const { billing_cycle_anchor: anchor, items, trial_end: trialEnd } = parameters;
  return row.pending_update !== null && (anchor ?? items ?? trialEnd) !== undefined;
}

/** @throws StripeError 400 for changes that a finished or a not yet started subscription does not take */
function refuseIfFinal(row: Subscription, parameters: UpdateSubscription): void {
  const {
    cancellation_details: _details,
    metadata: _metadata,
    off_session: _session,
    payment_behavior: _behavior,
    proration_behavior: _proration,
    ...others
  } = parameters;
  if (Object.keys(sent(others)).length === 0) return;
  if (hasEnded(row)) {
    const message = 'A canceled subscription can only update its cancellation_details and metadata.';
    throw invalidRequest({ code: 'invalid_canceled_subscription_fields', message });
  }
  if (row.status === 'incomplete') {
    throw invalidRequest({
      message: 'Subscription is incomplete: only its metadata and default_source can be updated.',
    });
  }
}
