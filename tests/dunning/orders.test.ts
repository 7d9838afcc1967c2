import { describe, expect, test } from 'vitest';

import { useDunning } from './dunning-world.ts';
import type { UnpaidCase } from './unpaid-case.ts';
import { openCase } from './unpaid-customer.ts';

const world = await useDunning();

describe('charge now', () => {
  test('declined, the answer says why, and the case goes on', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(1);
    expect(await unpaid.order('retryPaymentNow')).toMatchObject({
      paid: false,
      decline_code: 'insufficient_funds',
      invoice: unpaid.invoice,
    });
    await unpaid.reach(3);
    expect((await unpaid.told()).at(-1)).toEqual(['reminder', 3]);
  });

  test('I7 tried again because the answer was lost, it has the same key and charges once', async () => {
    const unpaid = await openCase(world);
    const path = `/v1/invoices/${unpaid.invoice}/pay`;
    const before = await chargesOf(unpaid);
    await world.control.injectFault({ kind: 'lost_answer', method: 'POST', path, times: 2 });
    expect(await unpaid.order('retryPaymentNow')).toMatchObject({ paid: false });
    const keys = (await world.control.requests())
      .filter((request) => request.path === path)
      .map((request) => request.idempotencyKey);
    expect(keys.length).toBeGreaterThanOrEqual(3);
    expect(new Set(keys).size).toBe(1);
    expect(await chargesOf(unpaid)).toBe(before + 1);
  });

  test('two commands are two charges', async () => {
    const unpaid = await openCase(world);
    const before = await chargesOf(unpaid);
    await unpaid.order('retryPaymentNow');
    await unpaid.order('retryPaymentNow');
    expect(await chargesOf(unpaid)).toBe(before + 2);
  });

  test('paid, the case ends', async () => {
    const unpaid = await openCase(world);
    await unpaid.reach(15);
    await world.control.setPaymentFate({
      customer: unpaid.customer.id,
      payments: 'next',
      outcome: { kind: 'succeed' },
    });
    expect(await unpaid.order('retryPaymentNow')).toMatchObject({ paid: true });
    expect(await unpaid.run.result()).toEqual({ outcome: 'recovered' });
    expect(await unpaid.access()).toBe('active');
    expect((await unpaid.told()).at(-1)?.[0]).toBe('receipt');
  });
});

test('written off by an operator, the money is given up and access is back', async () => {
  const unpaid = await openCase(world);
  await unpaid.reach(15);
  await unpaid.order('writeOff');
  expect(await unpaid.run.result()).toEqual({ outcome: 'written_off' });
  expect((await world.stripe.invoices.retrieve(unpaid.invoice)).status).toBe('uncollectible');
  expect(await unpaid.access()).toBe('active');
});

describe('what makes no sense is refused, and says why', () => {
  test('pause', async () => {
    const unpaid = await openCase(world);
    expect(await unpaid.refusal('pause', { until: unpaid.at(-1).toISOString() })).toBe(
      'until is in the past',
    );
    expect(await unpaid.refusal('pause', { until: unpaid.at(400).toISOString() })).toMatch(/366 days/);
    expect(await unpaid.refusal('pause')).toMatch(/until/);
  });

  test('resume, extend, skipStage', async () => {
    const unpaid = await openCase(world);
    expect(await unpaid.refusal('resume')).toMatch(/neither paused nor waiting/);
    expect(await unpaid.refusal('extend', { days: 0 })).toMatch(/days/);
    await unpaid.order('extend', { days: 300 });
    expect(await unpaid.refusal('extend', { days: 100 })).toMatch(/400 days, 365 are allowed/);
    expect(await unpaid.refusal('skipStage', { stage: 'payment-failed' })).toMatch(/was entered already/);
    expect(await unpaid.refusal('skipStage', { stage: 'nonsense' })).toMatch(/no stage nonsense/);
    expect(await unpaid.refusal('skipStage', { stage: 'write-off' })).toMatch(/ends the case/);
  });

  test('excludeInvoice', async () => {
    const unpaid = await openCase(world);
    const newer = await unpaid.anotherInvoice(1);
    expect(await unpaid.refusal('excludeInvoice', { invoice: 'in_another' })).toMatch(
      /not an unpaid invoice/,
    );
    await unpaid.order('excludeInvoice', { invoice: newer });
    expect(await unpaid.refusal('excludeInvoice', { invoice: newer })).toMatch(/excluded already/);
  });

  test('retryPaymentNow, while a debit is on its way', async () => {
    const unpaid = await openCase(world);
    await world.control.setPaymentFate({
      customer: unpaid.customer.id,
      payments: 'next',
      outcome: { kind: 'process' },
    });
    await world.stripe.invoices.pay(unpaid.invoice);
    await unpaid.sync();
    expect(await unpaid.refusal('retryPaymentNow')).toMatch(/on its way/);
  });

  test('writeOff, twice', async () => {
    const unpaid = await openCase(world);
    let refusal = '';
    world.hooks.before('writeOffInvoices', async () => {
      refusal = await unpaid.refusal('writeOff');
    });
    await unpaid.order('writeOff');
    await unpaid.run.result();
    expect(refusal).toMatch(/being written off already/);
  });

  test('a refused command leaves nothing on record and changes nothing', async () => {
    const unpaid = await openCase(world);
    await unpaid.refusal('resume');
    await unpaid.refusal('pause', { until: unpaid.at(-1).toISOString() });
    expect(await unpaid.commands()).toEqual([]);
    await unpaid.reach(3);
    expect((await unpaid.told()).at(-1)).toEqual(['reminder', 3]);
  });
});

test('each command is on record with who gave it and why, once, also when it is sent twice', async () => {
  const unpaid = await openCase(world);
  await unpaid.reach(1);
  const newer = await unpaid.anotherInvoice(2);
  const orders = [
    ['pause', { until: unpaid.at(20).toISOString() }],
    ['resume', {}],
    ['extend', { days: 3 }],
    ['skipStage', {}],
    ['retryPaymentNow', {}],
    ['excludeInvoice', { invoice: newer }],
    ['writeOff', {}],
  ] as const;
  for (const [name, more] of orders) {
    const updateId = `${name}-1`;
    const answer = await unpaid.order(name, { ...more, updateId });
    expect(await unpaid.order(name, { ...more, updateId })).toEqual(answer);
  }
  expect(await unpaid.commands()).toEqual(
    orders.map(([command]) => ({
      command,
      actor: 'ada',
      reason: 'looked into it',
      audited: `dunning ${command} ada looked into it`,
    })),
  );
});

async function chargesOf(unpaid: UnpaidCase): Promise<number> {
  return (await world.stripe.charges.list({ customer: unpaid.customer.id })).data.length;
}
