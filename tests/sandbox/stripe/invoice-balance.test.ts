import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { createCustomer, eventsSince, newestEvent, refusalOf, startSandbox } from './simulator-fixture.ts';

/** An open invoice of an amount, for a customer with a balance; both in minor units. */
async function invoiceOf(
  stripe: Stripe,
  options: { balance: number; amount: number },
): Promise<{ customer: string; invoice: Stripe.Invoice }> {
  const { id: customer } = await createCustomer(stripe);
  const transaction = { amount: options.balance, currency: 'usd' };
  if (options.balance !== 0) await stripe.customers.createBalanceTransaction(customer, transaction);
  const { id } = await stripe.invoices.create({ customer, currency: 'usd' });
  await stripe.invoiceItems.create({ invoice: id, amount: options.amount });
  return { customer, invoice: await stripe.invoices.finalizeInvoice(id) };
}

async function balanceOf(stripe: Stripe, customer: string): Promise<number> {
  return ((await stripe.customers.retrieve(customer)) as Stripe.Customer).balance;
}

describe("a customer's balance", () => {
  it.each([
    { balance: -300, amount: 1_000, due: 700, ending: 0, status: 'open' },
    { balance: -1_500, amount: 1_000, due: 0, ending: -500, status: 'paid' },
    { balance: 200, amount: 1_000, due: 1_200, ending: 0, status: 'open' },
    { balance: 0, amount: -400, due: 0, ending: -400, status: 'paid' },
    { balance: -100, amount: -400, due: 0, ending: -500, status: 'paid' },
  ])('of $balance makes an invoice of $amount one of $due, and leaves $ending', async (row) => {
    const { stripe } = await startSandbox();
    const { customer, invoice } = await invoiceOf(stripe, row);
    expect(invoice).toMatchObject({
      amount_due: row.due,
      amount_remaining: row.due,
      starting_balance: row.balance,
      ending_balance: row.ending,
      status: row.status,
      total: row.amount,
    });
    expect(await balanceOf(stripe, customer)).toBe(row.ending);
    const [applied] = (await stripe.customers.listBalanceTransactions(customer)).data;
    expect(applied).toMatchObject({
      amount: row.ending - row.balance,
      ending_balance: row.ending,
      invoice: invoice.id,
      type: 'applied_to_invoice',
    });
  });

  it('that is set is an adjustment by the difference', async () => {
    const { stripe } = await startSandbox();
    const { id } = await createCustomer(stripe, { balance: -300 });
    await stripe.customers.update(id, { balance: 200 });
    await stripe.customers.update(id, { name: 'Bo' });
    await stripe.customers.createBalanceTransaction(id, { amount: 50, currency: 'usd' });
    expect((await stripe.customers.listBalanceTransactions(id)).data).toMatchObject([
      { amount: 50, ending_balance: 250, type: 'adjustment' },
      { amount: 500, ending_balance: 200, currency: 'usd', type: 'adjustment' },
      { amount: -300, ending_balance: -300, type: 'adjustment' },
    ]);
  });

  it('comes back when the invoice that used it is voided', async () => {
    const { stripe } = await startSandbox();
    const { customer, invoice } = await invoiceOf(stripe, { balance: -300, amount: 1_000 });
    const mark = await newestEvent(stripe);
    await stripe.invoices.voidInvoice(invoice.id);
    expect(await balanceOf(stripe, customer)).toBe(-300);
    expect(await eventsSince(stripe, mark)).toMatchObject([
      { type: 'customer.updated', data: { previous_attributes: { balance: 0 } } },
      { type: 'payment_intent.canceled' },
      { type: 'invoice.voided' },
    ]);
    const [back] = (await stripe.customers.listBalanceTransactions(customer, { invoice: invoice.id })).data;
    expect(back).toMatchObject({ amount: -300, type: 'unapplied_from_invoice' });
  });

  it('is changed by hand with a transaction that can be read again', async () => {
    const { stripe } = await startSandbox();
    const { id } = await createCustomer(stripe);
    const mark = await newestEvent(stripe);
    const made = await stripe.customers.createBalanceTransaction(id, {
      amount: -250,
      currency: 'usd',
      description: 'goodwill',
    });
    expect(made).toMatchObject({ amount: -250, ending_balance: -250, type: 'adjustment', customer: id });
    expect(await stripe.customers.retrieveBalanceTransaction(id, made.id)).toMatchObject({ id: made.id });
    expect((await eventsSince(stripe, mark)).map(({ type }) => type)).toEqual(['customer.updated']);
    const { id: other } = await createCustomer(stripe);
    expect((await refusalOf(stripe.customers.retrieveBalanceTransaction(other, made.id))).statusCode).toBe(
      404,
    );
  });
});
