import { type Customer, customerTable } from '../../resources/customers.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import type { Subscription, SubscriptionItem } from '../subscriptions/subscription-state.ts';
import { unpaidAmounts } from './invoice-amounts.ts';
import { type InvoiceItem, invoiceItemTable, pendingItems } from './invoice-item-state.ts';
import type { InvoiceLine } from './invoice-line-state.ts';
import { itemLine, periodLine } from './invoice-lines.ts';
import { type BillingReason, type Invoice, inertInvoice, invoiceTable } from './invoice-state.ts';

const daySeconds = 86_400;
const dueDaysDefault = 30;

export interface SubscriptionDraft {
  /** As it is to be billed; it needn't be stored. */
  readonly subscription: Subscription;
  readonly reason: Exclude<BillingReason, 'manual' | 'upcoming'>;
  /** Those whose current period gets a line. */
  readonly items: readonly SubscriptionItem[];
  /** Whether it is finalized and collected by itself after a while; false: somebody else sees to it. */
  readonly waits: boolean;
}

/** Stores the draft of a subscription's invoice, pending invoice items included; emits nothing. */
export function draftSubscriptionInvoice(tx: Transaction, draft: SubscriptionDraft): Invoice {
  const { subscription, reason, waits } = draft;
  const customer = tx.get(customerTable, subscription.customer);
  if (!customer) throw new Error(`customer ${subscription.customer} is gone`);
  const now = timeOf(tx, customer.test_clock);
  const id = tx.newId('in');
  const own = pendingItems(tx, { customer: customer.id, subscription: subscription.id });
  // What was added by hand to the customer comes with the regular invoices only.
  const loose =
    reason === 'subscription_update' ? [] : pendingItems(tx, { customer: customer.id, subscription: null });
  const ofItems = linesOfItems(
    tx,
    id,
    [...own, ...loose].filter(({ currency }) => currency === subscription.currency),
  );
  const ofPeriods = draft.items.map((item) => periodLine(tx, { invoice: id, subscription, item }));
  return storeDraft(tx, customer, {
    id,
    lines: [...ofItems, ...ofPeriods],
    auto_advance: waits,
    automatically_finalizes_at: waits ? now + tx.account.billing.draftSeconds : null,
    billing_reason: reason,
    collection_method: subscription.collection_method,
    currency: subscription.currency,
    daysUntilDue:
      subscription.collection_method === 'send_invoice'
        ? (subscription.days_until_due ?? dueDaysDefault)
        : null,
    parent: {
      quote_details: null,
      subscription_details: { metadata: subscription.metadata, subscription: subscription.id },
      type: 'subscription_details',
    },
    period_start: reason === 'subscription_cycle' ? lastCycleAt(tx, subscription) : now,
    period_end: now,
  });
}

/** Pending invoice items as lines of a draft; they are pending no more. */
export function linesOfItems(
  tx: Transaction,
  invoice: string,
  items: readonly InvoiceItem[],
): readonly InvoiceLine[] {
  const lines: InvoiceLine[] = [];
  for (const item of items) {
    const taken = tx.put(invoiceItemTable, { ...item, invoice });
    lines.push(itemLine(tx, { invoice, item: taken, lines }));
  }
  return lines;
}

/** What is chosen about a draft. */
export type NewDraft = Pick<
  Invoice,
  | 'id'
  | 'lines'
  | 'auto_advance'
  | 'automatically_finalizes_at'
  | 'billing_reason'
  | 'collection_method'
  | 'currency'
  | 'parent'
  | 'period_start'
  | 'period_end'
> &
  Partial<
    Pick<
      Invoice,
      'default_payment_method' | 'description' | 'due_date' | 'footer' | 'metadata' | 'statement_descriptor'
    >
  > & {
    /** For an invoice that is sent; null when its due date is given, or when it is charged. */
    readonly daysUntilDue: number | null;
  };

/** Stores a draft of any kind; emits nothing. */
export function storeDraft(tx: Transaction, customer: Customer, draft: NewDraft): Invoice {
  return tx.put(invoiceTable, plainDraft(tx, customer, draft));
}

/** A draft that is not stored. */
export function plainDraft(tx: Transaction, customer: Customer, draft: NewDraft): Invoice {
  const { daysUntilDue, ...chosen } = draft;
  const now = timeOf(tx, customer.test_clock);
  return {
    object: 'invoice',
    ...inertInvoice,
    ...unpaidAmounts({ lines: draft.lines, balance: customer.balance }),
    attempt_count: 0,
    attempted: false,
    created: now,
    customer: customer.id,
    customer_address: customer.address,
    customer_email: customer.email,
    customer_name: customer.name,
    customer_phone: customer.phone,
    customer_tax_exempt: customer.tax_exempt,
    default_payment_method: null,
    description: null,
    due_date: daysUntilDue === null ? null : now + daysUntilDue * daySeconds,
    effective_at: null,
    footer: customer.invoice_settings.footer,
    hosted_invoice_url: null,
    internals: { createdEvent: null, daysUntilDue, notice: null },
    invoice_pdf: null,
    metadata: {},
    next_payment_attempt: null,
    number: null,
    statement_descriptor: null,
    status: 'draft',
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    test_clock: customer.test_clock,
    webhooks_delivered_at: null,
    ...chosen,
  };
}

/** When the subscription was billed for a period last; its start when it never was. Unix seconds. */
function lastCycleAt(tx: Transaction, subscription: Subscription): number {
  const index = { name: 'subscription', key: subscription.id };
  for (const invoice of tx.table(invoiceTable).newestFirst({ index })) {
    if (invoice.billing_reason !== 'subscription_update') return invoice.period_end;
  }
  return subscription.start_date;
}
