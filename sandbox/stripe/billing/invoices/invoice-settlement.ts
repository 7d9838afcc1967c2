import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { type InvoicePayment, invoicePaymentTable } from '../payments/payments.ts';
import { restoreBalance } from './invoice-balance.ts';
import { cancelInvoicePayment } from './invoice-payment-intent.ts';
import { type Invoice, invoiceTable, renderInvoice, type UncollectibleReason } from './invoice-state.ts';

/** An invoice that is paid, and by what; null when no payment was needed. */
export interface PaidInvoice {
  readonly invoice: Invoice;
  readonly payment: InvoicePayment | null;
}

/** Nothing happens by itself any more. */
const atRest = { auto_advance: false, automatically_finalizes_at: null, next_payment_attempt: null } as const;

/** Stores that all of an invoice is paid; emits nothing. */
export function storePaid(tx: Transaction, invoice: Invoice): Invoice {
  const { status_details: _, ...rest } = invoice;
  return tx.put(invoiceTable, {
    ...rest,
    ...atRest,
    amount_paid: invoice.amount_due,
    amount_remaining: 0,
    attempted: true,
    status: 'paid',
    status_transitions: { ...invoice.status_transitions, paid_at: timeOf(tx, invoice.test_clock) },
  });
}

/** Stores that what links an intent and its invoice has paid; emits nothing. */
export function storePaidPayment(tx: Transaction, payment: InvoicePayment, paidAt: number): InvoicePayment {
  return tx.put(invoicePaymentTable, {
    ...payment,
    amount_paid: payment.amount_requested,
    status: 'paid',
    status_transitions: { canceled_at: null, paid_at: paidAt },
  });
}

/** Writes that an invoice is paid. */
export function emitPaid(tx: Transaction, { invoice, payment }: PaidInvoice): void {
  tx.emit('invoice.paid', renderInvoice(invoice));
  tx.emit('invoice.payment_succeeded', renderInvoice(invoice));
  if (payment) tx.emit('invoice_payment.paid', payment);
}

/** The customer has paid some other way: writes `invoice.paid`, and no `invoice.payment_succeeded`. */
export function payOutOfBand(tx: Transaction, invoice: Invoice): Invoice {
  cancelInvoicePayment(tx, invoice, 'automatic');
  const paid = storePaid(tx, { ...invoice, amount_paid_off_stripe: invoice.amount_remaining });
  tx.emit('invoice.paid', renderInvoice(paid));
  return paid;
}

/** Voids an open or uncollectible invoice, with the events of it; its balance goes back to the customer. */
export function voidInvoice(tx: Transaction, invoice: Invoice): Invoice {
  const { status_details: _, ...rest } = invoice;
  restoreBalance(tx, invoice);
  const row = tx.put(invoiceTable, {
    ...rest,
    ...atRest,
    status: 'void',
    status_transitions: { ...invoice.status_transitions, voided_at: timeOf(tx, invoice.test_clock) },
  });
  cancelInvoicePayment(tx, row, 'void_invoice');
  tx.emit('invoice.voided', renderInvoice(row));
  return row;
}

/** Writes an open invoice off, with the event of it. It can still be paid. */
export function markUncollectible(
  tx: Transaction,
  invoice: Invoice,
  reason: UncollectibleReason | null,
): Invoice {
  const row = tx.put(invoiceTable, {
    ...invoice,
    ...atRest,
    status: 'uncollectible',
    status_details: { uncollectible: { reason } },
    status_transitions: {
      ...invoice.status_transitions,
      marked_uncollectible_at: timeOf(tx, invoice.test_clock),
    },
  });
  tx.emit('invoice.marked_uncollectible', renderInvoice(row));
  return row;
}
