import { describe, expect, test } from 'vitest';
import { useDunning } from './dunning-world.ts';
import { UnpaidCase } from './unpaid-case.ts';
import { declined, newCustomer, openCase, startOfStory, subscribe } from './unpaid-customer.ts';

const world = await useDunning();
const DAY_MS = 24 * 60 * 60 * 1_000;

describe('a bank that wants the customer’s own confirmation', () => {
  test('is told at once by a message of its own, and no retry is waited for', async () => {
    const unpaid = await openCase(world, { outcome: { kind: 'require_authentication' } });
    expect(await unpaid.told()).toEqual([['payment_failed', 0]]);
    const [mail] = world.mailServer.taken;
    expect(mail?.subject).toMatchInlineSnapshot(`"Please confirm your payment of $100.00 – Lovelace Ltd"`);
    expect(await unpaid.row()).toMatchObject({ stage: 'authenticate', state: 'action_required' });
    await unpaid.reach(2);
    await unpaid.reach(5);
    await unpaid.reach(10);
    expect(await unpaid.told()).toEqual([
      ['payment_failed', 0],
      ['reminder', 2],
      ['final_notice', 5],
      ['restricted', 10],
    ]);
    expect(await unpaid.access()).toBe('restricted');
  });

  test('once confirmed, the case ends', async () => {
    const unpaid = await openCase(world, { outcome: { kind: 'require_authentication' } });
    await unpaid.reach(11);
    const { payments } = await world.stripe.invoices.retrieve(unpaid.invoice, { expand: ['payments'] });
    const intent = payments?.data[0]?.payment.payment_intent;
    await world.control.authenticatePayment(String(intent), { succeeds: true });
    await unpaid.sync();
    expect(await unpaid.run.result()).toEqual({ outcome: 'recovered' });
    expect(await unpaid.access()).toBe('active');
  });
});

describe('a card that will never be charged again', () => {
  test.each(['expired_card', 'lost_card'])('%s: a new card is asked for at once', async (code) => {
    const unpaid = await openCase(world, { outcome: declined(code) });
    expect(await unpaid.told()).toEqual([['payment_failed', 0]]);
    expect(await unpaid.row()).toMatchObject({ stage: 'new-card', state: 'action_required' });
    const [mail] = world.mailServer.taken;
    expect(mail?.text).toMatch(/another payment method/);
    // Why is the bank's and the customer's own affair.
    expect(mail?.text).not.toMatch(/lost|stolen/i);
    await unpaid.reach(2);
    expect(await unpaid.told()).toEqual([
      ['payment_failed', 0],
      ['reminder', 2],
    ]);
  });

  test('when a card declines for such a reason later on, that is told at once, and the case goes on by the plan for it', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(1);
    await world.control.clearPaymentFates();
    await world.control.setPaymentFate({
      customer: unpaid.customer.id,
      payments: 'every',
      outcome: declined('expired_card'),
    });
    await expect(world.stripe.invoices.pay(unpaid.invoice)).rejects.toMatchObject({
      type: 'StripeCardError',
    });
    await unpaid.sync();
    await unpaid.reach(7);
    expect((await unpaid.told()).map(([kind]) => kind)).toEqual([
      'payment_failed',
      'payment_failed',
      'reminder',
      'final_notice',
    ]);
  });
});

test('a sent invoice is followed from its due date on', async () => {
  const start = await startOfStory(world);
  await world.stripeReaches(new Date(start.getTime() - 30 * DAY_MS));
  const customer = await newCustomer(world);
  const { subscription } = await subscribe(world, customer, { daysUntilDue: 30 });
  await world.reach(start);
  await world.stripeReaches(new Date(start.getTime() + 1_000));
  await world.sync(customer.id);
  const unpaid = await UnpaidCase.of(world, customer, subscription);
  expect(unpaid.since).toEqual(start);
  expect(await unpaid.told()).toEqual([]);
  for (const day of [1, 10, 21, 30]) await unpaid.reach(day);
  expect(await unpaid.told()).toEqual([
    ['reminder', 1],
    ['reminder', 10],
    ['final_notice', 21],
    ['restricted', 30],
  ]);
  expect(await unpaid.access()).toBe('restricted');
});

test('a sent invoice that is paid before its due date has no case', async () => {
  const start = await startOfStory(world);
  await world.stripeReaches(new Date(start.getTime() - 30 * DAY_MS));
  const customer = await newCustomer(world);
  await subscribe(world, customer, { daysUntilDue: 30 });
  const [invoice] = (await world.stripe.invoices.list({ customer: customer.id })).data;
  await world.stripe.invoices.pay(invoice?.id ?? '');
  await world.stripeReaches(new Date(start.getTime() + 1_000));
  expect(await world.look(customer.id, [invoice?.id ?? ''])).toEqual([]);
});

test('a small amount is asked for and written off; nobody is locked out over it', async () => {
  const unpaid = await openCase(world, { unitAmount: 499 });
  const access = new Set<string>();
  for (const day of [0, 7, 30, 89, 90]) {
    await unpaid.reach(day);
    access.add(await unpaid.access());
  }
  expect(await unpaid.told()).toEqual([
    ['payment_failed', 0],
    ['reminder', 7],
    ['reminder', 30],
  ]);
  expect(access).toEqual(new Set(['active']));
  expect(await unpaid.run.result()).toEqual({ outcome: 'written_off' });
});

test('I11 a bank debit that is on its way stops everything, and goes on when it fails', async () => {
  const unpaid = await openCase(world);
  await unpaid.reach(8);
  await world.control.setPaymentFate({
    customer: unpaid.customer.id,
    payments: 'next',
    outcome: { kind: 'process' },
  });
  await world.stripe.invoices.pay(unpaid.invoice);
  await unpaid.sync();
  await unpaid.reach(20);
  expect(await unpaid.told()).toHaveLength(3);
  expect(await unpaid.access()).toBe('active');
  expect(await unpaid.progress()).toMatchObject({ waiting: 'processing' });
});
