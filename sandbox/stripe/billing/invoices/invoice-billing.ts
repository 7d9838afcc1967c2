import type { Transaction } from '../../state/transaction.ts';
import {
  type AttemptManner,
  emitCharged,
  emitIntentOutcome,
  type PaymentOutcome,
} from '../payments/payment-attempt.ts';
import { type Attempt, emitAttempt, storeAttempt } from './invoice-attempt.ts';
import { draftSubscriptionInvoice, type SubscriptionDraft } from './invoice-drafting.ts';
import { emitFinalized, type Finalized, storeFinalized } from './invoice-finalization.ts';
import { type Invoice, invoiceTable, renderInvoice } from './invoice-state.ts';

/** An invoice that was made, finalized and perhaps tried at once: all stored and nothing emitted yet. */
export interface Bill {
  readonly draft: Invoice;
  readonly open: Invoice;
  /** As it is now. */
  readonly invoice: Invoice;
  /** Null when nothing was tried: nothing is due, or nobody is there to pay. */
  readonly outcome: PaymentOutcome | null;
  readonly finalized: Finalized;
  readonly attempt: Attempt | null;
}

/**
 * Bills a subscription at once.
 * @param bill.attempt null: the client is to pay it
 * @param bill.isRetried whether it is tried again by itself; when not given, never
 */
export function billSubscription(
  tx: Transaction,
  bill: Omit<SubscriptionDraft, 'waits'> & {
    readonly attempt: AttemptManner | null;
    readonly isRetried?: boolean;
  },
): Bill {
  const { attempt: wanted, isRetried = false, ...of } = bill;
  const made = draftSubscriptionInvoice(tx, { ...of, waits: false });
  const draft = isRetried ? tx.put(invoiceTable, { ...made, auto_advance: true }) : made;
  const finalized = storeFinalized(tx, draft);
  const { intent, invoice, open } = finalized;
  if (wanted === null || intent === null) {
    return { draft, open, invoice, outcome: null, finalized, attempt: null };
  }
  const attempt = storeAttempt(tx, { invoice, ...wanted, isAutomatic: false });
  return { draft, open, invoice: attempt.invoice, outcome: attempt.outcome, finalized, attempt };
}

/** Writes the charge of a bill; recordings show it before everything else. */
export function emitBillCharge(tx: Transaction, bill: Bill): void {
  if (bill.outcome) emitCharged(tx, bill.outcome);
}

/** Whether the payment of a bill was tried and nothing has come of it. */
export function isRefused(bill: Bill | null): boolean {
  return bill?.outcome?.kind === 'failed' || bill?.outcome?.kind === 'requires_action';
}

/** Writes that a bill was not paid: for a new subscription recordings show it before the invoice itself. */
export function emitBillRefused(tx: Transaction, { attempt, outcome }: Bill): void {
  if (!attempt || !outcome) return;
  emitIntentOutcome(tx, outcome);
  emitAttempt(tx, attempt, outcome.kind);
}

/**
 * Writes everything else of a bill, in the order that recordings show.
 * @param told.isRefused whether `emitBillRefused` has written its part
 */
export function emitBill(
  tx: Transaction,
  bill: Bill,
  told: { isRefused: boolean } = { isRefused: false },
): void {
  const { attempt, draft, finalized, outcome } = bill;
  if (outcome) {
    if (!told.isRefused) emitIntentOutcome(tx, outcome);
    if (finalized.intent) tx.emit('payment_intent.created', finalized.intent);
  }
  tx.emit('invoice.created', renderInvoice(draft));
  emitFinalized(tx, outcome ? { ...finalized, intent: null } : finalized);
  if (attempt && outcome && !told.isRefused) emitAttempt(tx, attempt, outcome.kind);
}
