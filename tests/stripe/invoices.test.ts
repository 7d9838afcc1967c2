import { describe, expect, test } from 'vitest';
import {
  stripeCustomerIdSchema,
  stripeInvoiceIdSchema,
  stripeSubscriptionIdSchema,
} from '../../domain/ids.ts';
import {
  listInvoices,
  markUncollectible,
  payInvoice,
  retrieveInvoice,
  retrieveInvoiceCustomer,
  retrieveInvoicePayment,
} from '../../stripe/invoices.ts';
import { cancelSubscription } from '../../stripe/subscriptions.ts';
import { useStripe } from './stripe-simulator.ts';

const { stripe, control, customer, price, subscription } = await useStripe();
const pro = await price();

type Outcome = Parameters<typeof control.setPaymentFate>[0]['outcome'];

/** A paid subscription with an upgrade that comes to what is told. */
async function upgraded(outcome: Outcome) {
  const { id } = await customer();
  const { id: subscriptionId, items } = await subscription(id, [{ price: pro.id, quantity: 1 }]);
  await control.setPaymentFate({ customer: id, payments: 'next', outcome });
  const updated = await stripe.subscriptions.update(subscriptionId, {
    items: [{ id: items.data[0]?.id ?? '', quantity: 5 }],
    proration_behavior: 'always_invoice',
  });
  return {
    customer: stripeCustomerIdSchema.parse(id),
    subscription: stripeSubscriptionIdSchema.parse(subscriptionId),
    invoice: stripeInvoiceIdSchema.parse(String(updated.latest_invoice)),
  };
}

const declined = (decline_code = 'insufficient_funds'): Outcome => ({ kind: 'decline', decline_code });

/** The writes to an invoice: key and status, whether replayed. */
async function writesTo(path: string) {
  return (await control.requests())
    .filter((request) => request.method !== 'GET' && request.path.endsWith(path))
    .map(({ idempotencyKey, status, replayed }) => ({ idempotencyKey, status, replayed }));
}

describe('reading', () => {
  test('all that was finalized is listed, with the subscription that it bills; drafts are left out', async () => {
    const made = await upgraded(declined());
    await stripe.invoices.create({ customer: made.customer, auto_advance: false });
    const invoices = await listInvoices(stripe, made.customer);
    expect(invoices.map(({ status }) => status)).toEqual(['open', 'paid']);
    expect(invoices.map(({ subscriptionId }) => subscriptionId)).toEqual([
      made.subscription,
      made.subscription,
    ]);
    expect(invoices[0]).toMatchObject({ id: made.invoice, attemptCount: 1, currency: 'usd' });
  });

  test('of a customer with more invoices than a page holds, all that are open are there', async () => {
    const made = await upgraded(declined());
    for (let index = 0; index < 101; index += 1) {
      const { id } = await stripe.invoices.create({ customer: made.customer, auto_advance: false });
      await stripe.invoices.finalizeInvoice(id);
    }
    const ids = (await listInvoices(stripe, made.customer)).map(({ id }) => id);
    expect(ids).toContain(made.invoice);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('a customer that Stripe does not know has none, and an invoice that it does not know is nobody’s', async () => {
    const unknown = stripeInvoiceIdSchema.parse('in_unknown');
    expect(await listInvoices(stripe, stripeCustomerIdSchema.parse('cus_unknown'))).toEqual([]);
    expect(await retrieveInvoice(stripe, unknown)).toBeNull();
    expect(await retrieveInvoiceCustomer(stripe, unknown)).toBeNull();
  });

  test('a draft is no invoice yet, but has a customer', async () => {
    const { id } = await customer();
    const draft = await stripe.invoices.create({ customer: id, auto_advance: false });
    const draftId = stripeInvoiceIdSchema.parse(draft.id);
    expect(await retrieveInvoice(stripe, draftId)).toBeNull();
    expect(await retrieveInvoiceCustomer(stripe, draftId)).toBe(id);
  });

  test.each<[Outcome, object]>([
    [declined(), { state: 'failed', declineCode: 'insufficient_funds' }],
    [declined('lost_card'), { state: 'failed', declineCode: 'lost_card' }],
    [{ kind: 'require_authentication' }, { state: 'failed', declineCode: 'authentication_required' }],
    [{ kind: 'process' }, { state: 'processing' }],
  ])('the payment of an invoice that came to %j is read as %j', async (outcome, payment) => {
    const { invoice } = await upgraded(outcome);
    expect(await retrieveInvoicePayment(stripe, { invoice, withFirstFailure: false })).toMatchObject({
      ...payment,
      firstFailedAt: null,
    });
  });

  test('the first failure is the time of the first charge that failed', async () => {
    const { invoice } = await upgraded(declined());
    const first = await retrieveInvoicePayment(stripe, { invoice, withFirstFailure: true });
    const { data } = await stripe.charges.list({ limit: 1 });
    expect(first.firstFailedAt).toEqual(new Date((data[0]?.created ?? 0) * 1000));
  });
});

describe('I7 charging an invoice', () => {
  test('is one request under the key of the decision', async () => {
    const { invoice } = await upgraded(declined());
    expect(await payInvoice(stripe, { invoice, idempotencyKey: 'pay/1' })).toEqual({ paid: true });
    expect(await writesTo(`${invoice}/pay`)).toEqual([
      { idempotencyKey: 'pay/1', status: 200, replayed: false },
    ]);
    expect(await payInvoice(stripe, { invoice, idempotencyKey: 'pay/1' })).toEqual({ paid: true });
    expect(await writesTo(`${invoice}/pay`)).toHaveLength(1);
  });

  test('a decline is an answer, the same one for the same decision, and another one is tried anew', async () => {
    const { customer: id, invoice } = await upgraded(declined());
    await control.setPaymentFate({
      customer: id,
      payments: 'next',
      outcome: declined('card_velocity_exceeded'),
    });
    const pay = (idempotencyKey: string) => payInvoice(stripe, { invoice, idempotencyKey });
    expect(await pay('pay/first')).toEqual({ paid: false, declineCode: 'card_velocity_exceeded' });
    expect(await pay('pay/first')).toEqual({ paid: false, declineCode: 'card_velocity_exceeded' });
    expect((await retrieveInvoice(stripe, invoice))?.status).toBe('open');
    expect(await pay('pay/second')).toEqual({ paid: true });
  });

  test('after a lost answer the truth is read, and nothing is charged twice', async () => {
    const { invoice } = await upgraded(declined());
    const path = `/v1/invoices/${invoice}/pay`;
    await control.injectFault({ kind: 'lost_answer', method: 'POST', path, times: 2 });
    const pay = () => payInvoice(stripe, { invoice, idempotencyKey: `pay/${invoice}` });
    await expect(pay()).rejects.toMatchObject({ name: 'StripeUnavailable' });
    expect(await pay()).toEqual({ paid: true });
    const charges = await stripe.charges.list({ limit: 100 });
    const executed = (await writesTo(`${invoice}/pay`)).filter(({ replayed }) => !replayed);
    expect(executed).toHaveLength(1);
    expect(charges.data.filter(({ status }) => status === 'succeeded').length).toBeGreaterThan(0);
  });
});

describe('I7 writing off', () => {
  test('marks an open invoice once, and leaves one that was paid in the last moment alone', async () => {
    const { invoice } = await upgraded(declined());
    const writeOff = (id: typeof invoice) =>
      markUncollectible(stripe, { invoice: id, idempotencyKey: `write_off/${id}` });
    await writeOff(invoice);
    await writeOff(invoice);
    expect((await retrieveInvoice(stripe, invoice))?.status).toBe('uncollectible');
    expect(await writesTo(`${invoice}/mark_uncollectible`)).toHaveLength(1);
    const paid = await upgraded(declined());
    await stripe.invoices.pay(paid.invoice);
    await writeOff(paid.invoice);
    expect((await retrieveInvoice(stripe, paid.invoice))?.status).toBe('paid');
    expect(await writesTo(`${paid.invoice}/mark_uncollectible`)).toEqual([]);
  });
});

describe('canceling', () => {
  test('a cancel whose answer was lost is found done, and a second one is none', async () => {
    const { subscription: id } = await upgraded(declined());
    await control.injectFault({
      kind: 'lost_answer',
      method: 'DELETE',
      path: `/v1/subscriptions/${id}`,
      times: 2,
    });
    await expect(cancelSubscription(stripe, id)).rejects.toMatchObject({ name: 'StripeUnavailable' });
    await cancelSubscription(stripe, id);
    await cancelSubscription(stripe, id);
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('canceled');
  });

  test('a subscription that Stripe does not know can’t be canceled', async () => {
    const unknown = stripeSubscriptionIdSchema.parse('sub_unknown');
    await expect(cancelSubscription(stripe, unknown)).rejects.toMatchObject({ name: 'SubscriptionNotFound' });
  });
});
