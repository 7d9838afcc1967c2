import { invalidRequest } from '../../api/errors.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { type Bill, billSubscription, emitBill, emitBillCharge } from '../invoices/invoice-billing.ts';
import type { InvoiceItem } from '../invoices/invoice-item-state.ts';
import { createProrations, emitProrations } from '../invoices/prorations.ts';
import { itemsAround } from './subscription-item-periods.ts';
import type { ResumeSubscription } from './subscription-parameters.ts';
import { attemptFor } from './subscription-payment-method.ts';
import { paymentMethodMissing } from './subscription-payment-refusal.ts';
import {
  emitUpdate,
  firstPeriodEnd,
  renderSubscription,
  type Subscription,
  storeSubscription,
  updateSubscription,
} from './subscription-state.ts';

/** How long an invoice that is to resume a subscription waits for somebody to try to pay it. */
const attemptWaitSeconds = 23 * 3_600;

/**
 * Resumes a paused subscription. Without an invoice, or with one that is paid at once, it runs again; otherwise it
 * stays paused until its invoice is paid. Writes the events.
 * @throws StripeError 400 for one that can't be resumed
 */
export function resumeAsAsked(
  tx: Transaction,
  before: Subscription,
  parameters: ResumeSubscription,
): Subscription {
  refuseUnresumable(before);
  const ahead = resumedRow(tx, before, parameters);
  const isTriedNow = parameters.payment_behavior === 'resume_on_payment_success';
  const attempt = isTriedNow ? attemptFor(tx, before) : null;
  const bill = ahead.isBilled
    ? billSubscription(tx, {
        subscription: { ...before, ...ahead.changes, status: 'active' },
        reason: 'subscription_update',
        items: ahead.billed,
        attempt,
        isRetried: isTriedNow,
      })
    : null;
  if (isTriedNow && attempt === null && bill && bill.open.amount_due > 0) throw paymentMethodMissing();
  const after =
    bill === null || bill.invoice.status === 'paid'
      ? finishResumption(tx, before, {
          changes: { ...ahead.changes, ...(bill ? { latest_invoice: bill.invoice.id } : {}) },
          status: 'active',
        })
      : waitForInvoice(tx, before, { bill, changes: ahead.changes, isTriedNow });
  emitProrations(tx, ahead.prorations);
  if (bill) {
    emitBillCharge(tx, bill);
    emitBill(tx, bill);
  }
  return after;
}

/** A paused subscription runs again. Writes the events. */
export function finishResumption(
  tx: Transaction,
  before: Subscription,
  resumed: { changes: Partial<Subscription>; status: 'active' | 'past_due' },
): Subscription {
  const { status_details: _, ...rest } = before;
  const after = storeSubscription(tx, {
    ...rest,
    ...resumed.changes,
    internals: { ...before.internals, resumption: null },
    status: resumed.status,
  });
  tx.emit('customer.subscription.resumed', renderSubscription(tx, after));
  emitUpdate(tx, before, after);
  return after;
}

/**
 * What a subscription was paused for has been settled. While its period lasts it just runs on; otherwise a new one
 * begins. Writes the events.
 */
export function resumeByItself(tx: Transaction, before: Subscription): void {
  if (firstPeriodEnd(before.items) > timeOf(tx, before.test_clock)) {
    finishResumption(tx, before, { changes: {}, status: 'active' });
  } else if (before.internals.resumption === null) {
    const isPayable = attemptFor(tx, before) !== null;
    resumeAsAsked(tx, before, {
      payment_behavior: isPayable ? 'resume_on_payment_success' : 'resume_on_payment_attempt',
    });
  }
}

/** Somebody has tried in vain to pay what resumes a subscription. Writes the events. */
export function tryResumption(tx: Transaction, before: Subscription): void {
  const { resumption } = before.internals;
  if (!resumption) return;
  if (resumption.resumesOnAttempt) {
    finishResumption(tx, before, { changes: resumption.changes, status: 'past_due' });
    return;
  }
  const internals = { ...before.internals, resumption: { ...resumption, expiresAt: null } };
  storeSubscription(tx, { ...before, internals });
}

interface Ahead {
  readonly changes: Partial<Subscription>;
  /** Items that are billed for their whole new period. */
  readonly billed: Subscription['items'];
  readonly isBilled: boolean;
  readonly prorations: readonly InvoiceItem[];
}

/** The periods that follow, and what is to be paid for them. */
function resumedRow(tx: Transaction, before: Subscription, parameters: ResumeSubscription): Ahead {
  const now = timeOf(tx, before.test_clock);
  if ((parameters.billing_cycle_anchor?.type ?? 'now') === 'now') {
    const items = itemsAround(tx, { ...before, billing_cycle_anchor: now }, now);
    return { changes: { billing_cycle_anchor: now, items }, billed: items, isBilled: true, prorations: [] };
  }
  const around = itemsAround(tx, before, now);
  // What has been paid for and was not given back goes on.
  const items = before.items.map((item, index) =>
    item.current_period_end > now ? item : (around[index] ?? item),
  );
  const behavior = parameters.proration_behavior ?? 'create_prorations';
  const joining = items.filter((item, index) => item !== before.items[index]);
  const prorations =
    behavior === 'none'
      ? []
      : createProrations(tx, {
          before: { ...before, status: 'active', items: [] },
          after: { ...before, status: 'active', items: joining },
          at: parameters.proration_date ?? now,
        });
  const isBilled = behavior === 'always_invoice' && prorations.length > 0;
  return { changes: { items }, billed: [], isBilled, prorations };
}

function waitForInvoice(
  tx: Transaction,
  before: Subscription,
  waiting: { bill: Bill; changes: Partial<Subscription>; isTriedNow: boolean },
): Subscription {
  const invoice = waiting.bill.invoice.id;
  const expiresAt = timeOf(tx, before.test_clock) + attemptWaitSeconds;
  return updateSubscription(tx, before, {
    internals: {
      ...before.internals,
      resumption: {
        invoice,
        expiresAt: waiting.isTriedNow ? null : expiresAt,
        changes: waiting.changes,
        resumesOnAttempt: !waiting.isTriedNow,
      },
    },
    latest_invoice: invoice,
  });
}

function refuseUnresumable(row: Subscription): void {
  if (row.status !== 'paused') {
    throw invalidRequest({ message: `You can't resume a subscription whose status is ${row.status}.` });
  }
  if (row.internals.resumption) {
    const message = `The subscription is already being resumed: its invoice ${row.internals.resumption.invoice} is to be paid.`;
    throw invalidRequest({ message });
  }
  if (row.collection_method !== 'charge_automatically') {
    const message =
      "You can't resume a subscription whose `collection_method` is not `charge_automatically`.";
    throw invalidRequest({ message });
  }
}
