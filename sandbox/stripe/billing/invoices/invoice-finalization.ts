import { type Customer, customerTable } from '../../resources/customers.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import type { PaymentIntent } from '../payments/payments.ts';
import { subscriptionTable } from '../subscriptions/subscription-state.ts';
import { balanceAfter, unpaidAmounts } from './invoice-amounts.ts';
import { changeBalance } from './invoice-balance.ts';
import { startInvoicePayment } from './invoice-payment-intent.ts';
import { emitPaid, storePaid } from './invoice-settlement.ts';
import {
  dueNoticeSeconds,
  type Invoice,
  invoiceTable,
  renderInvoice,
  subscriptionIdOf,
} from './invoice-state.ts';

const daySeconds = 86_400;

/** A draft that has been finalized: its steps, stored and not told yet. */
export interface Finalized {
  readonly open: Invoice;
  /** As it is now: an invoice of nothing is paid already. */
  readonly invoice: Invoice;
  /** What is to pay it; null when nothing is due. */
  readonly intent: PaymentIntent | null;
  /** The customer before and after, when the balance has changed. */
  readonly balanceChange: { readonly before: Customer; readonly after: Customer } | null;
}

/**
 * Finalizes a draft: it gets a number, a page and what pays it; the customer's balance is used. Emits nothing.
 * @throws Error when the customer is gone
 */
export function storeFinalized(tx: Transaction, draft: Invoice): Finalized {
  const { open, balanceChange } = storeOpen(tx, draft);
  if (open.amount_due === 0) return { open, invoice: storePaid(tx, open), intent: null, balanceChange };
  return { open, invoice: open, intent: startInvoicePayment(tx, open), balanceChange };
}

/** Finalizes a draft that nobody is going to pay; writes `invoice.finalized`. */
export function finalizeUncollected(tx: Transaction, draft: Invoice): Invoice {
  const { open, balanceChange } = storeOpen(tx, draft);
  emitFinalized(tx, { open, invoice: open, intent: null, balanceChange });
  return open;
}

/** Writes the events of a finalization, and of what it has paid. */
export function emitFinalized(tx: Transaction, finalized: Finalized): void {
  const { balanceChange, intent, invoice, open } = finalized;
  if (balanceChange) tx.emitUpdated('customer.updated', balanceChange.before, balanceChange.after);
  tx.emit('invoice.finalized', renderInvoice(open));
  if (intent) tx.emit('payment_intent.created', intent);
  if (isSentAtOnce(open)) tx.emit('invoice.sent', renderInvoice(open));
  if (invoice.status === 'paid') emitPaid(tx, { invoice, payment: null });
}

/** Finalizes a draft and writes the events of it. @returns it as it is then */
export function finalizeInvoice(tx: Transaction, draft: Invoice): Invoice {
  const finalized = storeFinalized(tx, draft);
  emitFinalized(tx, finalized);
  return tx.get(invoiceTable, draft.id) ?? finalized.invoice;
}

/** A subscription's invoice is mailed always, one made by hand when Stripe is to see to it. */
export function isSentAtOnce(invoice: Invoice): boolean {
  if (invoice.collection_method !== 'send_invoice') return false;
  return invoice.auto_advance || subscriptionIdOf(invoice) !== null;
}

function storeOpen(tx: Transaction, draft: Invoice): Pick<Finalized, 'open' | 'balanceChange'> {
  const customer = tx.get(customerTable, draft.customer);
  if (!customer) throw new Error(`customer ${draft.customer} is gone`);
  const now = timeOf(tx, draft.test_clock);
  const { daysUntilDue } = draft.internals;
  const dueDate = daysUntilDue === null ? draft.due_date : now + daysUntilDue * daySeconds;
  const page = `${tx.account.publicUrl()}/i/${draft.id}/${tx.account.ids.characters(40)}`;
  const priced = { ...draft, ...unpaidAmounts({ lines: draft.lines, balance: customer.balance }) };
  const open = tx.put(invoiceTable, {
    ...priced,
    automatically_finalizes_at: null,
    customer_address: customer.address,
    customer_email: customer.email,
    customer_name: customer.name,
    customer_phone: customer.phone,
    customer_tax_exempt: customer.tax_exempt,
    due_date: dueDate,
    effective_at: draft.effective_at ?? now,
    ending_balance: balanceAfter(priced),
    hosted_invoice_url: page,
    internals: { ...draft.internals, notice: firstNotice(dueDate, now) },
    invoice_pdf: `${page}/pdf`,
    number:
      draft.number ?? `${customer.invoice_prefix}-${String(customer.next_invoice_sequence).padStart(4, '0')}`,
    parent: parentAtFinalization(tx, draft),
    status: 'open',
    status_transitions: { ...draft.status_transitions, finalized_at: now },
  });
  const counted = tx.put(customerTable, {
    ...customer,
    next_invoice_sequence: customer.next_invoice_sequence + (draft.number === null ? 1 : 0),
  });
  return { open, balanceChange: useBalance(tx, counted, open) };
}

function useBalance(tx: Transaction, before: Customer, open: Invoice): Finalized['balanceChange'] {
  const amount = balanceAfter(open) - open.starting_balance;
  if (amount === 0) return null;
  changeBalance(tx, before, {
    amount,
    currency: open.currency,
    invoice: open.id,
    type: 'applied_to_invoice',
  });
  const after = tx.get(customerTable, before.id);
  return after ? { before, after } : null;
}

/** The subscription's metadata is copied now, and stays as it is. */
function parentAtFinalization(tx: Transaction, draft: Invoice): Invoice['parent'] {
  const id = subscriptionIdOf(draft);
  const subscription = id === null ? undefined : tx.get(subscriptionTable, id);
  if (draft.parent === null || !subscription) return draft.parent;
  const details = { ...draft.parent.subscription_details, metadata: subscription.metadata };
  return { ...draft.parent, subscription_details: details };
}

function firstNotice(dueDate: number | null, now: number): Invoice['internals']['notice'] {
  if (dueDate === null) return null;
  return dueDate - dueNoticeSeconds > now ? 'will_be_due' : 'overdue';
}
