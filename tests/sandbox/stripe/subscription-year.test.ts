import { expect, it } from 'vitest';
import { latestInvoice, seconds, startScenario } from './subscription-scenario.ts';

const created = [
  'charge.succeeded',
  'customer.updated',
  'customer.subscription.created',
  'payment_intent.succeeded',
  'payment_intent.created',
  'invoice.created',
  'invoice.finalized',
  'invoice.paid',
  'invoice.payment_succeeded',
  'invoice_payment.paid',
];
const begun = ['invoice.upcoming', 'customer.subscription.updated', 'invoice.created'];
const finalized = ['invoice.updated', 'invoice.finalized', 'payment_intent.created'];
const paid = ['charge.succeeded', 'payment_intent.succeeded', 'invoice.paid', 'invoice.payment_succeeded'];
const failed = [
  'charge.failed',
  'payment_intent.payment_failed',
  'invoice.payment_failed',
  'invoice.updated',
];
const renewed = [...begun, ...finalized, ...paid, 'invoice_payment.paid'];
const recovered = [...paid, 'customer.subscription.updated', 'invoice_payment.paid'];

/** The 13 months of one subscription, as its clock is moved by months or by days. */
it('13 months with a failing card, three retries, a recovery and a cancellation', async () => {
  const { advance, control, customer, events, read, stripe, subscribe, types } = await startScenario({
    at: '2027-01-31T10:00:00Z',
  });
  const { id } = await subscribe();
  expect(await types()).toEqual(created);

  // Four renewals, on the last day of each month.
  for (const to of ['2027-03-31T00:00:00Z', '2027-05-31T00:00:00Z', '2027-05-31T12:00:00Z'])
    await advance(to);
  expect(await types()).toEqual([...renewed, ...renewed, ...renewed, ...renewed]);
  expect((await read(id)).status).toBe('active');

  // The card fails at the fifth and at two retries; the third succeeds, 14 days after the first attempt.
  const decline = { kind: 'decline', decline_code: 'insufficient_funds' } as const;
  await control.setPaymentFate({ customer: customer.id, payments: 3, outcome: decline });
  await advance('2027-06-30T12:00:00Z');
  expect(await types()).toEqual([...begun, ...finalized, ...failed, 'customer.subscription.updated']);
  expect(await read(id)).toMatchObject({
    status: 'past_due',
    latest_invoice: { attempt_count: 1, next_payment_attempt: seconds('2027-07-03T11:00:00Z') },
  });
  await advance('2027-07-09T00:00:00Z');
  expect(await types()).toEqual([...failed, ...failed]);
  expect(latestInvoice(await read(id))).toMatchObject({
    attempt_count: 3,
    next_payment_attempt: seconds('2027-07-14T11:00:00Z'),
  });
  await advance('2027-07-15T00:00:00Z');
  expect(await types()).toEqual(recovered);
  expect(await read(id)).toMatchObject({
    status: 'active',
    latest_invoice: { attempt_count: 4, status: 'paid' },
  });

  // Seven more months, in the last of which it is canceled.
  for (const month of ['2027-09', '2027-11', '2028-01', '2028-02']) await advance(`${month}-10T00:00:00Z`);
  expect(await types()).toEqual(Array.from({ length: 7 }, () => renewed).flat());
  await stripe.subscriptions.update(id, { cancel_at_period_end: true });
  await advance('2028-03-15T00:00:00Z');
  const ending = await events();
  expect(ending.map(({ type }) => type)).toEqual([
    'customer.subscription.updated',
    'customer.subscription.deleted',
  ]);
  expect(ending.map(({ request }) => request?.id === null)).toEqual([false, true]);
  expect(await read(id)).toMatchObject({
    status: 'canceled',
    canceled_at: seconds('2028-02-10T00:00:00Z'),
    ended_at: seconds('2028-02-29T10:00:00Z'),
  });

  const invoices = await stripe.invoices.list({ subscription: id, limit: 100 });
  const starts = [...invoices.data]
    .reverse()
    .map((invoice) => new Date((invoice.lines.data[0]?.period.start ?? 0) * 1_000).toISOString());
  expect(starts.map((start) => start.slice(0, 10))).toEqual([
    '2027-01-31',
    '2027-02-28',
    '2027-03-31',
    '2027-04-30',
    '2027-05-31',
    '2027-06-30',
    '2027-07-31',
    '2027-08-31',
    '2027-09-30',
    '2027-10-31',
    '2027-11-30',
    '2027-12-31',
    '2028-01-31',
  ]);
  expect(invoices.data.every(({ status, amount_paid }) => status === 'paid' && amount_paid === 5_000)).toBe(
    true,
  );
});
