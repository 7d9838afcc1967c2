import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPrice } from '../../../sandbox/stripe/billing/catalog/catalog-creation.ts';
import {
  balanceTransactionTable,
  changeBalance,
} from '../../../sandbox/stripe/billing/invoices/invoice-balance.ts';
import { deleteInvoice } from '../../../sandbox/stripe/billing/invoices/invoice-changes.ts';
import { createInvoice } from '../../../sandbox/stripe/billing/invoices/invoice-creation.ts';
import {
  createItem,
  deleteItem,
  updateItem,
} from '../../../sandbox/stripe/billing/invoices/invoice-item-changes.ts';
import {
  type InvoiceItem,
  invoiceItemTable,
} from '../../../sandbox/stripe/billing/invoices/invoice-item-state.ts';
import { payInvoice } from '../../../sandbox/stripe/billing/invoices/invoice-payment-request.ts';
import { finalizeAndCollect } from '../../../sandbox/stripe/billing/invoices/invoice-schedule.ts';
import {
  markUncollectible,
  voidInvoice,
} from '../../../sandbox/stripe/billing/invoices/invoice-settlement.ts';
import { type Invoice, invoiceTable } from '../../../sandbox/stripe/billing/invoices/invoice-state.ts';
import { createSubscription } from '../../../sandbox/stripe/billing/subscriptions/subscription-creation.ts';
import { subscriptionTable } from '../../../sandbox/stripe/billing/subscriptions/subscription-state.ts';
import { updateAsAsked } from '../../../sandbox/stripe/billing/subscriptions/subscription-update.ts';
import { type Customer, customerTable } from '../../../sandbox/stripe/resources/customers.ts';
import type { Transaction } from '../../../sandbox/stripe/state/transaction.ts';
import { type BillingBench, billingBench } from './billing-bench.ts';

/** A period of exactly 30 days: November 2026. */
const start = Date.UTC(2026, 10, 1) / 1_000;
const periodSeconds = 30 * 86_400;
const end = start + periodSeconds;

/** What something is done to; there need not be an invoice or an item yet. */
interface Target {
  readonly amount: number;
  readonly customer: Customer;
  readonly invoice: Invoice | undefined;
  readonly item: InvoiceItem | undefined;
}

const currency = 'usd';
const deeds: Readonly<Record<string, (tx: Transaction, target: Target) => void>> = {
  'adjust balance': (tx, { amount, customer }) =>
    void changeBalance(tx, customer, { amount, currency, type: 'adjustment' }),
  'create invoice': (tx, { customer: { id: customer } }) =>
    void createInvoice(tx, { customer, currency, pending_invoice_items_behavior: 'include' }),
  'create pending item': (tx, { amount, customer: { id: customer } }) =>
    void createItem(tx, { customer, amount, currency }),
  'create item on a draft': (tx, { amount, invoice }) =>
    void createItem(tx, { invoice: invoice?.id, amount }),
  'update item': (tx, { amount, item }) => void (item && updateItem(tx, item, { amount })),
  'delete item': (tx, { item }) => void (item && deleteItem(tx, item)),
  'delete invoice': (tx, { invoice }) => void (invoice && deleteInvoice(tx, invoice)),
  finalize: (tx, { invoice }) => void (invoice?.status === 'draft' && finalizeAndCollect(tx, invoice)),
  pay: (tx, { invoice }) => void (invoice && payInvoice(tx, invoice, { payment_method: 'pm_card_visa' })),
  'fail to pay': (tx, { invoice }) =>
    void (invoice && payInvoice(tx, invoice, { payment_method: 'pm_card_chargeCustomerFail' })),
  'pay out of band': (tx, { invoice }) =>
    void (invoice && payInvoice(tx, invoice, { paid_out_of_band: true })),
  void: (tx, { invoice }) => void (isUnpaid(invoice) && voidInvoice(tx, invoice)),
  'write off': (tx, { invoice }) =>
    void (invoice?.status === 'open' && markUncollectible(tx, invoice, 'user_forgiven')),
};

function isUnpaid(invoice: Invoice | undefined): invoice is Invoice {
  return invoice?.status === 'open' || invoice?.status === 'uncollectible';
}

describe('for any changes of a quantity at any times', () => {
  const change = fc.record({
    waitSeconds: fc.integer({ min: 0, max: periodSeconds / 5 }),
    quantity: fc.integer({ min: 1, max: 300 }),
    isProrated: fc.boolean(),
  });
  // From nothing to something would begin a new period in classic billing.
  const history = fc.record({
    mode: fc.constantFrom('classic', 'flexible'),
    unitAmount: fc
      .tuple(fc.integer({ min: 1, max: 20_000 }), fc.nat({ max: 99 }))
      .map(([whole, part]) => `${whole}.${String(part).padStart(2, '0')}`),
    quantity: fc.integer({ min: 1, max: 300 }),
    changes: fc.array(change, { minLength: 1, maxLength: 8 }),
  });

  it('each proration is within one minor unit of what exact arithmetic says', () => {
    fc.assert(
      fc.property(history, ({ mode, unitAmount, quantity, changes }) => {
        const bench = billingBench(start);
        const { subscription, item } = subscribe(bench, { mode, unitAmount, quantity });
        let at = start;
        let current = quantity;
        let charged = quantity;
        for (const { waitSeconds, quantity: wanted, isProrated } of changes) {
          at = Math.min(at + waitSeconds, end - 1);
          bench.goTo(at);
          const items = prorate(bench, subscription, { id: item, quantity: wanted, isProrated });
          const isPriced = isProrated && wanted !== current;
          const left = (count: number): number => (isPriced ? share(unitAmount, count, end - at) : 0);
          const credit = left(mode === 'flexible' ? charged : current);
          const [credits, debits] = [-1, 1].map((sign) => sumOf(items.filter((one) => one * sign > 0)));
          expect(Math.abs((credits ?? 0) + credit)).toBeLessThanOrEqual(1);
          expect(Math.abs((debits ?? 0) - left(wanted))).toBeLessThanOrEqual(1);
          if (isPriced) charged = wanted;
          current = wanted;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('in flexible billing the pending prorations add up to what the difference costs', () => {
    fc.assert(
      fc.property(history, ({ unitAmount, quantity, changes }) => {
        const bench = billingBench(start);
        const { subscription, item } = subscribe(bench, { mode: 'flexible', unitAmount, quantity });
        let at = start;
        let owed = 0;
        let current = quantity;
        for (const { waitSeconds, quantity: wanted } of changes) {
          at = Math.min(at + waitSeconds, end - 1);
          bench.goTo(at);
          prorate(bench, subscription, { id: item, quantity: wanted, isProrated: true });
          owed += share(unitAmount, wanted, end - at) - share(unitAmount, current, end - at);
          current = wanted;
        }
        const pending = bench.run((tx) => [...tx.table(invoiceItemTable).oldestFirst()]);
        const lines = Math.max(2 * changes.length, 1);
        expect(Math.abs(sumOf(pending.map(({ amount }) => amount)) - owed)).toBeLessThanOrEqual(lines);
      }),
      { numRuns: 300 },
    );
  });
});

describe('for anything that is done to invoices', () => {
  const deed = fc.record({
    kind: fc.constantFrom(...Object.keys(deeds)),
    amount: fc.integer({ min: -3_000, max: 5_000 }),
    which: fc.nat({ max: 20 }),
  });

  it('the sums of each invoice and the balance of its customer agree', () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 25 }), (done) => {
        const bench = billingBench(start);
        for (const one of done) {
          bench.attempt((tx) => act(tx, bench.customer.id, one));
          bench.run((tx) => expectAgreement(tx, bench.customer.id));
        }
        for (const { data, type } of bench.events) {
          if (type.startsWith('invoice.')) expectShownSums(data.object as Shown);
        }
      }),
      { numRuns: 300 },
    );
  });
});

function act(tx: Transaction, customer: string, done: { kind: string; amount: number; which: number }): void {
  const pick = <Row>(rows: readonly Row[]): Row | undefined => rows[done.which % Math.max(rows.length, 1)];
  const stored = tx.get(customerTable, customer);
  if (!stored) throw new Error('the customer is gone');
  deeds[done.kind]?.(tx, {
    amount: done.amount,
    customer: stored,
    invoice: pick([...tx.table(invoiceTable).oldestFirst()]),
    item: pick([...tx.table(invoiceItemTable).oldestFirst()]),
  });
}

function subscribe(
  bench: BillingBench,
  options: { mode: 'classic' | 'flexible'; unitAmount: string; quantity: number },
): { subscription: string; item: string } {
  const subscription = bench.run((tx) => {
    const price = createPrice(tx, {
      currency: 'usd',
      unit_amount_decimal: options.unitAmount,
      recurring: { interval: 'month' },
      product_data: { name: 'Pro' },
    });
    return createSubscription(tx, {
      billing_mode: { type: options.mode },
      collection_method: 'send_invoice',
      customer: bench.customer.id,
      items: [{ price: price.id, quantity: options.quantity }],
    });
  });
  return { subscription: subscription.id, item: subscription.items[0]?.id ?? '' };
}

/** Changes a quantity. @returns the amounts of the prorations, in minor units */
function prorate(
  bench: BillingBench,
  subscription: string,
  change: { id: string; quantity: number; isProrated: boolean },
): number[] {
  return bench.run((tx) => {
    const known = new Set([...tx.table(invoiceItemTable).oldestFirst()].map(({ id }) => id));
    const row = tx.get(subscriptionTable, subscription);
    if (!row) throw new Error('the subscription is gone');
    const { id, quantity, isProrated } = change;
    const proration_behavior = isProrated ? 'create_prorations' : 'none';
    updateAsAsked(tx, row, { items: [{ id, quantity }], proration_behavior });
    const fresh = [...tx.table(invoiceItemTable).oldestFirst()].filter((one) => !known.has(one.id));
    return fresh.map(({ amount }) => amount);
  });
}

/** What a quantity costs for the rest of the period, in minor units, not rounded. */
function share(unitAmount: string, quantity: number, leftSeconds: number): number {
  return (Number(unitAmount) * quantity * leftSeconds) / periodSeconds;
}

function sumOf(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + amount, 0);
}

function expectAgreement(tx: Transaction, customer: string): void {
  for (const invoice of tx.table(invoiceTable).oldestFirst()) expectSums(invoice);
  const transactions = [...tx.table(balanceTransactionTable).oldestFirst()];
  const balance = tx.get(customerTable, customer)?.balance;
  expect(sumOf(transactions.map(({ amount }) => amount))).toBe(balance);
  expect(transactions.at(-1)?.ending_balance ?? 0).toBe(balance);
  for (const item of tx.table(invoiceItemTable).oldestFirst()) {
    const invoice = item.invoice === null ? undefined : tx.get(invoiceTable, item.invoice);
    expect(item.invoice === null || invoice !== undefined).toBe(true);
  }
}

function expectSums(invoice: Invoice): void {
  const { amount_due: due, amount_paid: paid, starting_balance: starting, total } = invoice;
  expect(total).toBe(sumOf(invoice.lines.map(({ amount }) => amount)));
  expect(invoice.subtotal).toBe(total);
  expect(due).toBe(Math.max(0, total + starting));
  expect(invoice.amount_remaining).toBe(due - paid);
  expect(paid).toBe(invoice.status === 'paid' ? due : 0);
  if (invoice.status === 'draft') expect(invoice.ending_balance).toBeNull();
  else expect(invoice.ending_balance).toBe(starting + total - due);
}

/** An invoice as an event shows it. */
type Shown = Omit<Invoice, 'lines'> & {
  readonly lines: { readonly data: Invoice['lines']; readonly has_more: boolean };
};

function expectShownSums(shown: Shown): void {
  if (!shown.lines.has_more) expectSums({ ...shown, lines: shown.lines.data });
}
