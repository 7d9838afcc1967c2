import type { Guide } from './guide.ts';

/** Customers and their payment methods. */
export async function tourCustomers({ stripe }: Guide): Promise<void> {
  await stripe.customers.create();
  const customer = await stripe.customers.create({
    email: 'ada@example.com',
    name: 'Lovelace Ltd',
    address: { line1: '1 Main Street', city: 'London', country: 'GB' },
    metadata: { source: 'store' },
  });
  await stripe.customers.update(customer.id, { address: '', metadata: '' });
  await stripe.customers.list({ email: 'ada@example.com' });
  const method = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
  await stripe.paymentMethods.update(method.id, { metadata: { kind: 'company' } });
  await stripe.paymentMethods.retrieve(method.id, { expand: ['customer'] });
  await stripe.paymentMethods.list({ customer: customer.id });
  await stripe.customers.listPaymentMethods(customer.id, { type: 'card' });
  await stripe.customers.retrievePaymentMethod(customer.id, method.id);
  await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: method.id } });
  await stripe.customers.retrieve(customer.id, { expand: ['invoice_settings.default_payment_method'] });
  await stripe.paymentMethods.detach(method.id);
  await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } });
  await stripe.customers.del(customer.id);
  await stripe.customers.retrieve(customer.id);
}
