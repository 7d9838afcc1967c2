import { invalidRequest, noSuchInParameter, parameterMissing } from '../../api/errors.ts';
import { mergeMetadata, sent } from '../../api/parameters.ts';
import { type Customer, customerInParameter } from '../../resources/customers.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { renderSubscription, subscriptionTable } from '../subscriptions/subscription-state.ts';
import { changeLines } from './invoice-changes.ts';
import { type ItemCost, itemCost } from './invoice-item-cost.ts';
import type { CreateItem, UpdateItem } from './invoice-item-parameters.ts';
import { type InvoiceItem, invoiceItemTable, renderInvoiceItem } from './invoice-item-state.ts';
import { invoiceItemOf } from './invoice-line-state.ts';
import { productName } from './invoice-line-texts.ts';
import { itemLine } from './invoice-lines.ts';
import { type Invoice, invoiceTable } from './invoice-state.ts';

const currencyDefault = 'usd';

/** Makes an invoice item, pending or on a draft, with its events. @throws StripeError 400 */
export function createItem(tx: Transaction, parameters: CreateItem): InvoiceItem {
  const draft = draftInParameter(tx, parameters.invoice);
  const customer = customerOf(tx, draft, parameters.customer);
  const subscription = subscriptionOf(tx, customer, parameters.subscription);
  const now = timeOf(tx, customer.test_clock);
  const currency = parameters.currency?.toLowerCase();
  const cost = itemCost(tx, parameters, { amount: 0, pricing: null, quantity: 1 });
  if (!cost) throw parameterMissing('amount');
  const item: InvoiceItem = {
    id: tx.newId('ii'),
    object: 'invoiceitem',
    currency: cost.price?.currency ?? currency ?? draft?.currency ?? customer.currency ?? currencyDefault,
    customer: customer.id,
    customer_account: null,
    date: now,
    discounts: [],
    internals: { creditedDebit: null, isForOneInvoice: draft !== null },
    invoice: draft?.id ?? null,
    livemode: false,
    parent:
      subscription === null ? null : { subscription_details: { subscription }, type: 'subscription_details' },
    proration: false,
    tax_rates: [],
    test_clock: customer.test_clock,
    ...shownCost(cost),
    description: parameters.description ?? (cost.price ? productName(tx, cost.price) : null),
    discountable: parameters.discountable ?? cost.amount >= 0,
    metadata: mergeMetadata({}, parameters.metadata),
    period: parameters.period ?? { end: now, start: now },
  };
  refuseOtherCurrency(item, draft, currency);
  tx.put(invoiceItemTable, item);
  if (draft) addLine(tx, draft, item);
  tx.emit('invoiceitem.created', renderInvoiceItem(item));
  if (subscription !== null) tellSubscription(tx, subscription);
  return item;
}

/** A new item is an update of its subscription, although nothing that the subscription shows has changed. */
function tellSubscription(tx: Transaction, id: string): void {
  const subscription = tx.get(subscriptionTable, id);
  if (subscription) tx.emit('customer.subscription.updated', renderSubscription(tx, subscription), {});
}

/** Changes an invoice item and its line on a draft. @throws StripeError 400 when it has been billed */
export function updateItem(tx: Transaction, before: InvoiceItem, parameters: UpdateItem): InvoiceItem {
  const draft = editableDraft(tx, before);
  const { description, discountable, period } = parameters;
  const cost = itemCost(tx, parameters, before);
  const item = tx.put(invoiceItemTable, {
    ...before,
    ...(cost ? shownCost(cost) : {}),
    ...sent({ description, discountable, period }),
    metadata: mergeMetadata(before.metadata, parameters.metadata),
  });
  if (draft) {
    const lines = draft.lines.map((line) =>
      invoiceItemOf(line) === item.id
        ? itemLine(tx, { invoice: draft.id, item, lines: draft.lines, id: line.id })
        : line,
    );
    changeLines(tx, draft, lines);
  }
  return item;
}

/** Deletes an invoice item and its line on a draft, with its event. @throws StripeError 400 when it has been billed */
export function deleteItem(tx: Transaction, item: InvoiceItem): object {
  const draft = editableDraft(tx, item);
  tx.remove(invoiceItemTable, item.id);
  if (draft) {
    changeLines(
      tx,
      draft,
      draft.lines.filter((line) => invoiceItemOf(line) !== item.id),
    );
  }
  tx.emit('invoiceitem.deleted', renderInvoiceItem(item));
  return { id: item.id, object: 'invoiceitem', deleted: true };
}

function shownCost({
  amount,
  pricing,
  quantity,
}: ItemCost): Pick<InvoiceItem, 'amount' | 'net_amount' | 'pricing' | 'quantity' | 'quantity_decimal'> {
  return { amount, net_amount: amount, pricing, quantity, quantity_decimal: String(quantity) };
}

function addLine(tx: Transaction, draft: Invoice, item: InvoiceItem): void {
  const line = itemLine(tx, { invoice: draft.id, item, lines: draft.lines });
  changeLines(tx, draft, [...draft.lines, line]);
}

function draftInParameter(tx: Transaction, id: string | undefined): Invoice | null {
  if (id === undefined) return null;
  const invoice = tx.get(invoiceTable, id);
  if (!invoice) throw noSuchInParameter('invoice', id, 'invoice');
  if (invoice.status === 'draft') return invoice;
  const message = 'You can only add invoice items to an invoice that is a draft.';
  throw invalidRequest({ code: 'invoice_not_editable', param: 'invoice', message });
}

function customerOf(tx: Transaction, draft: Invoice | null, id: string | undefined): Customer {
  const wanted = id ?? draft?.customer;
  if (wanted === undefined) throw parameterMissing('customer');
  const customer = customerInParameter(tx, wanted, 'customer');
  if (draft === null || draft.customer === customer.id) return customer;
  throw invalidRequest({ param: 'invoice', message: 'The invoice belongs to another customer.' });
}

function subscriptionOf(tx: Transaction, customer: Customer, id: string | undefined): string | null {
  if (id === undefined) return null;
  const subscription = tx.get(subscriptionTable, id);
  if (subscription?.customer === customer.id) return id;
  throw noSuchInParameter('subscription', id, 'subscription');
}

function refuseOtherCurrency(
  item: InvoiceItem,
  draft: Invoice | null,
  sentCurrency: string | undefined,
): void {
  const expected = draft?.currency ?? sentCurrency ?? item.currency;
  if (item.currency === expected) return;
  const message = `The currency of the invoice item (${item.currency}) is not the expected one (${expected}).`;
  throw invalidRequest({ param: 'currency', message });
}

/** The draft that an item is on; null while it is pending. */
function editableDraft(tx: Transaction, item: InvoiceItem): Invoice | null {
  const invoice = item.invoice === null ? undefined : tx.get(invoiceTable, item.invoice);
  if (!invoice) return null;
  if (invoice.status === 'draft') return invoice;
  const message = 'This invoice item is attached to an invoice that is no longer editable.';
  throw invalidRequest({ code: 'invoice_not_editable', message });
}
