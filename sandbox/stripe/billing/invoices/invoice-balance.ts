import { type Customer, customerTable } from '../../resources/customers.ts';
import { defineTable } from '../../state/table.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import type { Invoice } from './invoice-state.ts';

/** One change of a customer's balance; amounts are minor units, negative ones are in the customer's favour. */
export interface BalanceTransaction {
  readonly id: string;
  readonly object: 'customer_balance_transaction';
  readonly amount: number;
  readonly checkout_session: null;
  readonly created: number;
  readonly credit_note: null;
  readonly currency: string;
  readonly customer: string;
  readonly customer_account: null;
  readonly description: string | null;
  readonly ending_balance: number;
  readonly invoice: string | null;
  readonly livemode: false;
  readonly metadata: Readonly<Record<string, string>>;
  readonly type: 'adjustment' | 'applied_to_invoice' | 'unapplied_from_invoice';
}

type BalanceChange = Pick<BalanceTransaction, 'amount' | 'currency' | 'type'> &
  Partial<Pick<BalanceTransaction, 'description' | 'invoice' | 'metadata'>>;

/** What a balance is counted in that is set before the customer has a currency. */
const currencyDefault = 'usd';

export const balanceTransactionTable = defineTable<BalanceTransaction>({
  noun: 'customer balance transaction',
  indexes: { customer: (row) => row.customer },
});

/**
 * Changes a customer's balance; the caller writes `customer.updated`.
 * @param change.amount minor units, added to the balance
 */
export function changeBalance(
  tx: Transaction,
  customer: Customer,
  change: BalanceChange,
): BalanceTransaction {
  const after = tx.put(customerTable, {
    ...customer,
    balance: customer.balance + change.amount,
    currency: customer.currency ?? change.currency,
  });
  return storeTransaction(tx, after, change);
}

/** A customer's balance was set: the difference to what its transactions tell becomes an adjustment. */
export function recordSetBalance(tx: Transaction, customerId: string): void {
  const customer = tx.get(customerTable, customerId);
  if (!customer) return;
  const index = { name: 'customer', key: customerId };
  const [newest] = tx.table(balanceTransactionTable).newestFirst({ index });
  const amount = customer.balance - (newest?.ending_balance ?? 0);
  if (amount === 0) return;
  const currency = customer.currency ?? currencyDefault;
  storeTransaction(tx, customer, { amount, currency, type: 'adjustment' });
}

/** @param after the customer with the balance as it has become */
function storeTransaction(tx: Transaction, after: Customer, change: BalanceChange): BalanceTransaction {
  return tx.put(balanceTransactionTable, {
    id: tx.newId('cbtxn'),
    object: 'customer_balance_transaction',
    checkout_session: null,
    created: timeOf(tx, after.test_clock),
    credit_note: null,
    customer: after.id,
    customer_account: null,
    description: null,
    ending_balance: after.balance,
    invoice: null,
    livemode: false,
    metadata: {},
    ...change,
  });
}

/** Gives back the balance that a voided invoice had used or made, with `customer.updated`. */
export function restoreBalance(tx: Transaction, invoice: Invoice): void {
  const before = tx.get(customerTable, invoice.customer);
  if (!before || invoice.ending_balance === null) return;
  const amount = invoice.starting_balance - invoice.ending_balance;
  if (amount === 0) return;
  const { currency, id } = invoice;
  changeBalance(tx, before, { amount, currency, invoice: id, type: 'unapplied_from_invoice' });
  const after = tx.get(customerTable, invoice.customer);
  if (after) tx.emitUpdated('customer.updated', before, after);
}
