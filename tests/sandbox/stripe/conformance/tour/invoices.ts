import type { Guide } from './guide.ts';

/** Invoices by hand, their items, and the customer's balance. */
export async function tourInvoices({ stripe }: Guide): Promise<void> {
  const customer = await payingCustomer(stripe);
  const item = await stripe.invoiceItems.create({
    customer,
    amount: 1_000,
    currency: 'usd',
    description: 'Setup',
  });
  await stripe.invoiceItems.update(item.id, { metadata: { kind: 'setup' } });
  await stripe.invoiceItems.retrieve(item.id, { expand: ['customer'] });
  await stripe.invoiceItems.list({ customer });
  const dropped = await stripe.invoiceItems.create({ customer, amount: 1, currency: 'usd' });
  await stripe.invoiceItems.del(dropped.id);
  const invoice = await stripe.invoices.create({
    customer,
    auto_advance: false,
    pending_invoice_items_behavior: 'include',
  });
  await stripe.invoices.update(invoice.id, { description: 'By hand', metadata: { order: '1' } });
  await stripe.invoices.finalizeInvoice(invoice.id);
  await stripe.invoices.pay(invoice.id);
  await stripe.invoices.createPreview({ customer, invoice_items: [{ amount: 5, currency: 'usd' }] });
  await tourEnds({ stripe, customer });
  const credit = { amount: -300, currency: 'usd', description: 'Sorry' };
  const transaction = await stripe.customers.createBalanceTransaction(customer, credit);
  await stripe.customers.listBalanceTransactions(customer);
  await stripe.customers.retrieveBalanceTransaction(customer, transaction.id);
}

/** Drafts deleted, invoices sent, voided, written off. */
async function tourEnds({ stripe, customer }: Pick<Guide, 'stripe'> & { customer: string }): Promise<void> {
  const sentInvoice = async () => {
    const invoice = await stripe.invoices.create({
      customer,
      collection_method: 'send_invoice',
      days_until_due: 14,
    });
    await stripe.invoiceItems.create({ customer, invoice: invoice.id, amount: 2_000, currency: 'usd' });
    return stripe.invoices.sendInvoice(invoice.id);
  };
  await stripe.invoices.voidInvoice((await sentInvoice()).id);
  await stripe.invoices.markUncollectible((await sentInvoice()).id);
  const draft = await stripe.invoices.create({ customer });
  const { lines } = await stripe.invoices.addLines(draft.id, { lines: [{ amount: 100 }, { amount: 200 }] });
  const [first = '', second = ''] = lines.data.map(({ id }) => id);
  await stripe.invoices.updateLines(draft.id, { lines: [{ id: first, amount: 150 }] });
  await stripe.invoices.updateLineItem(draft.id, first, { description: 'Setup' });
  await stripe.invoices.removeLines(draft.id, { lines: [{ id: second, behavior: 'delete' }] });
  await stripe.invoices.del(draft.id);
}

async function payingCustomer(stripe: Guide['stripe']): Promise<string> {
  const payment_method = 'pm_card_visa';
  const customer = await stripe.customers.create({
    payment_method,
    invoice_settings: { default_payment_method: payment_method },
  });
  return customer.id;
}
