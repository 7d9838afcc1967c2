import type { Invoice, InvoiceAmounts } from './invoice-state.ts';

/**
 * The sums of an unpaid invoice, in minor units. A credit balance (negative) is used up first, a debit balance is
 * collected along; what a negative total leaves over becomes balance.
 * @param of.balance the customer's
 */
export function unpaidAmounts(of: {
  lines: readonly { readonly amount: number }[];
  balance: number;
}): InvoiceAmounts {
  const total = of.lines.reduce((sum, line) => sum + line.amount, 0);
  const due = Math.max(0, total + of.balance);
  return {
    amount_due: due,
    amount_paid: 0,
    amount_paid_off_stripe: 0,
    amount_remaining: due,
    ending_balance: null,
    starting_balance: of.balance,
    subtotal: total,
    subtotal_excluding_tax: total,
    total,
    total_excluding_tax: total,
  };
}

/** What remains of a customer's balance after an invoice, in minor units. */
export function balanceAfter(invoice: Invoice): number {
  return invoice.starting_balance + invoice.total - invoice.amount_due;
}
