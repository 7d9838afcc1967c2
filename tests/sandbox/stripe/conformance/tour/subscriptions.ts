import { first, type Guide } from './guide.ts';

/** Subscriptions with their items, invoices and payments. */
export async function tourSubscriptions({ stripe }: Guide): Promise<void> {
  const price = await stripe.prices.create({
    currency: 'usd',
    unit_amount: 500,
    recurring: { interval: 'month' },
    product_data: { name: 'Licence' },
  });
  const customer = await stripe.customers.create({ email: 'grace@example.com' });
  const method = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
  await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: method.id } });
  const { id } = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: price.id, quantity: 3 }],
    metadata: { client_name: 'Hopper Ltd' },
  });
  await stripe.subscriptions.update(id, { description: 'Yearly talk', cancel_at_period_end: true });
  await stripe.subscriptions.update(id, { cancel_at_period_end: false });
  await stripe.subscriptions.retrieve(id, {
    expand: ['customer', 'latest_invoice.payments', 'items.data.price.product', 'default_payment_method'],
  });
  await stripe.subscriptions.list({ customer: customer.id, status: 'all' });
  await tourItems({ stripe, subscription: id });
  await tourInvoices({ stripe, subscription: id });
  await tourPauses({ stripe, customer: customer.id, price: price.id });
  await stripe.subscriptions.cancel(id, { cancellation_details: { comment: 'Too many' } });
}

/** Pausing needs flexible billing. */
async function tourPauses({
  stripe,
  customer,
  price,
}: { customer: string; price: string } & Pick<Guide, 'stripe'>) {
  const classic = await stripe.subscriptions.create({
    customer,
    items: [{ price }],
    billing_mode: { type: 'classic' },
  });
  await stripe.subscriptions.migrate(classic.id, { billing_mode: { type: 'flexible' } });
  await stripe.subscriptions.pause(classic.id, { type: 'subscription' });
  await stripe.subscriptions.resume(classic.id);
}

async function tourItems({ stripe, subscription }: { subscription: string } & Pick<Guide, 'stripe'>) {
  const price = await stripe.prices.create({
    currency: 'usd',
    unit_amount: 100,
    recurring: { interval: 'month' },
    product_data: { name: 'Add-on' },
  });
  const item = await stripe.subscriptionItems.create({ subscription, price: price.id, quantity: 1 });
  await stripe.subscriptionItems.update(item.id, { quantity: 2, metadata: { kind: 'add-on' } });
  await stripe.subscriptionItems.retrieve(item.id);
  await stripe.subscriptionItems.list({ subscription });
  await stripe.subscriptionItems.del(item.id);
}

async function tourInvoices({ stripe, subscription }: { subscription: string } & Pick<Guide, 'stripe'>) {
  const invoice = first((await stripe.invoices.list({ subscription })).data);
  await stripe.invoices.retrieve(invoice.id, { expand: ['payments.data.payment.payment_intent'] });
  await stripe.invoices.listLineItems(invoice.id);
  const payment = first((await stripe.invoicePayments.list({ invoice: invoice.id })).data);
  await stripe.invoicePayments.retrieve(payment.id, { expand: ['invoice'] });
  const intent = first((await stripe.paymentIntents.list()).data);
  await stripe.paymentIntents.retrieve(intent.id, { expand: ['latest_charge', 'customer'] });
  const charge = first((await stripe.charges.list()).data);
  await stripe.charges.retrieve(charge.id, { expand: ['payment_intent', 'customer'] });
}
