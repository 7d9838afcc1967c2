import { expect, test } from 'vitest';
import { useDunning } from './dunning-world.ts';
import { openCase } from './unpaid-customer.ts';

const world = await useDunning();

test('a dispute of an earlier payment changes nothing, whoever wins it', async () => {
  const unpaid = await openCase(world);
  await unpaid.reach(4);
  const { data } = await world.stripe.charges.list({ customer: unpaid.customer.id });
  const earlier = data.find((charge) => charge.paid);
  const dispute = await world.control.openDispute(earlier?.id ?? '', { reason: 'fraudulent' });
  await unpaid.sync(unpaid.invoice);
  await unpaid.reach(8);
  await world.control.closeDispute(dispute.id, { won: false });
  await unpaid.sync(unpaid.invoice);
  await unpaid.reach(15);
  expect(await unpaid.told()).toEqual([
    ['payment_failed', 0],
    ['reminder', 3],
    ['final_notice', 7],
    ['restricted', 14],
  ]);
  expect(await unpaid.access()).toBe('restricted');
});

test('I11 the only invoice is excluded: the case ends, access is back, nothing more is told, and no other case begins', async () => {
  const unpaid = await openCase(world);
  await unpaid.reach(15);
  const before = await unpaid.told();
  await unpaid.order('excludeInvoice', { invoice: unpaid.invoice });
  expect(await unpaid.run.result()).toEqual({ outcome: 'excluded' });
  expect(await unpaid.access()).toBe('active');
  expect(await world.look(unpaid.customer.id)).toEqual([]);
  await unpaid.reach(100);
  expect(await unpaid.told()).toEqual(before);
  expect((await world.stripe.invoices.retrieve(unpaid.invoice)).status).toBe('open');
});

test('the oldest invoice is excluded while a newer one is open: that one is followed, by its own dates', async () => {
  const unpaid = await openCase(world);
  const newer = await unpaid.anotherInvoice(2);
  await unpaid.reach(15);
  expect(await unpaid.access()).toBe('restricted');
  await unpaid.order('excludeInvoice', { invoice: unpaid.invoice });
  expect(await unpaid.row()).toMatchObject({ anchor_invoice: newer, outcome: null });
  expect(await unpaid.access()).toBe('active');
  await unpaid.reach(22.1);
  expect((await unpaid.told()).slice(-2)).toEqual([
    ['final_notice', 15],
    ['restricted', 22],
  ]);
});

test('of two invoices one was excluded and the other is paid: that is a recovery, with its receipt', async () => {
  const unpaid = await openCase(world);
  const newer = await unpaid.anotherInvoice(2);
  await unpaid.reach(4);
  await unpaid.order('excludeInvoice', { invoice: unpaid.invoice });
  await unpaid.reach(6);
  await unpaid.pay(newer);
  await unpaid.sync();
  expect(await unpaid.run.result()).toEqual({ outcome: 'recovered' });
  expect((await unpaid.told()).at(-1)?.[0]).toBe('receipt');
  expect(await unpaid.access()).toBe('active');
  expect(await world.look(unpaid.customer.id)).toEqual([]);
});

test('a voided invoice ends the case without a word, and access is back', async () => {
  const unpaid = await openCase(world);
  await unpaid.reach(15);
  const before = await unpaid.told();
  await world.stripe.invoices.voidInvoice(unpaid.invoice);
  await unpaid.sync();
  expect(await unpaid.run.result()).toEqual({ outcome: 'voided' });
  expect(await unpaid.access()).toBe('active');
  expect(await unpaid.told()).toEqual(before);
});

test('the oldest invoice is voided while a newer one is open: that one is followed', async () => {
  const unpaid = await openCase(world);
  const newer = await unpaid.anotherInvoice(2);
  await unpaid.reach(15);
  await world.stripe.invoices.voidInvoice(unpaid.invoice);
  await unpaid.sync();
  expect(await unpaid.row()).toMatchObject({ anchor_invoice: newer, outcome: null });
  expect(await unpaid.access()).toBe('active');
});

test('a new invoice after an exclusion begins a case of its own, which leaves the excluded one alone', async () => {
  const unpaid = await openCase(world);
  await unpaid.order('excludeInvoice', { invoice: unpaid.invoice });
  await unpaid.run.result();
  const newer = await unpaid.anotherInvoice(5);
  expect(await unpaid.row()).toMatchObject({ anchor_invoice: newer, outcome: null });
  await unpaid.pay(newer);
  await unpaid.sync();
  expect(await unpaid.row()).toMatchObject({ outcome: 'recovered' });
});
