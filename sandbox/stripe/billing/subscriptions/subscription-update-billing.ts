import { invalidRequest } from '../../api/errors.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { type Bill, billSubscription } from '../invoices/invoice-billing.ts';
import { draftSubscriptionInvoice } from '../invoices/invoice-drafting.ts';
import type { InvoiceItem } from '../invoices/invoice-item-state.ts';
import type { Invoice } from '../invoices/invoice-state.ts';
import { createProrations } from '../invoices/prorations.ts';
import type { AttemptManner } from '../payments/payment-attempt.ts';
import type { SubscriptionChange } from './subscription-change.ts';
import type { UpdateSubscription } from './subscription-parameters.ts';
import { attemptFor } from './subscription-payment-method.ts';
import { paymentMethodMissing } from './subscription-payment-refusal.ts';
import { lastPeriodEnd, type Subscription } from './subscription-state.ts';

/** What an update costs, stored and not told yet. */
export interface BilledChange {
  readonly prorations: readonly InvoiceItem[];
  /** What is billed at once. */
  readonly bill: Bill | null;
  /** In place of a bill: what is billed to a subscription that is not collected any more. */
  readonly draft: Invoice | null;
  /** How the bill was tried; null when nobody was charged. */
  readonly attempt: AttemptManner | null;
  /** What the bill changes about the subscription. */
  readonly consequences: Partial<Pick<Subscription, 'latest_invoice' | 'status'>>;
}

/** In these there is something to bill for. */
const billedStatuses: ReadonlySet<Subscription['status']> = new Set([
  'active',
  'past_due',
  'trialing',
  'unpaid',
]);

/**
 * Bills a change of a subscription as the request says. Emits nothing.
 * @throws StripeError 400 when something is to be charged at once and nobody can pay
 */
export function billChange(
  tx: Transaction,
  before: Subscription,
  { change, parameters }: { change: SubscriptionChange; parameters: UpdateSubscription },
): BilledChange {
  const nothing = { prorations: [], bill: null, draft: null, attempt: null, consequences: {} };
  const { after, startsPeriods } = change;
  if (!billedStatuses.has(before.status)) return nothing;
  const behavior = parameters.proration_behavior ?? 'create_prorations';
  const isProrated = behavior !== 'none' && before.items !== after.items;
  const at = prorationDate(tx, before, parameters.proration_date);
  const prorations = isProrated ? createProrations(tx, { before, after, at, startsPeriods }) : [];
  const isInvoiced = startsPeriods || (behavior === 'always_invoice' && prorations.length > 0);
  if (!isInvoiced) return { ...nothing, prorations };
  const invoice = {
    subscription: after,
    reason: 'subscription_update' as const,
    items: startsPeriods ? after.items : [],
  };
  if (after.status === 'unpaid') {
    const draft = draftSubscriptionInvoice(tx, { ...invoice, waits: false });
    return { ...nothing, prorations, draft, consequences: { latest_invoice: draft.id } };
  }
  const isLeftToClient = parameters.payment_behavior === 'default_incomplete';
  const attempt = attemptFor(tx, after, { offSession: parameters.off_session, isLeftToClient });
  const bill = billSubscription(tx, { ...invoice, attempt });
  const isCharged = after.collection_method === 'charge_automatically' && !isLeftToClient;
  if (attempt === null && isCharged && bill.open.amount_due > 0) throw paymentMethodMissing();
  return { prorations, bill, draft: null, attempt, consequences: consequencesOf(bill, parameters) };
}

/** With `default_incomplete` the client confirms the payment; until then it is owed. */
function consequencesOf(bill: Bill, parameters: UpdateSubscription): BilledChange['consequences'] {
  const isLeftToClient =
    parameters.payment_behavior === 'default_incomplete' && bill.invoice.status === 'open';
  return {
    latest_invoice: bill.invoice.id,
    ...(isLeftToClient && bill.invoice.collection_method === 'charge_automatically'
      ? { status: 'past_due' }
      : {}),
  };
}

function prorationDate(tx: Transaction, row: Subscription, asked: number | undefined): number {
  if (asked === undefined) return timeOf(tx, row.test_clock);
  const start = Math.min(...row.items.map((item) => item.current_period_start));
  if (asked >= start && asked <= lastPeriodEnd(row.items)) return asked;
  const message = 'Cannot specify proration date outside of current subscription period.';
  throw invalidRequest({ param: 'proration_date', message });
}
