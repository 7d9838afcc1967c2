import { describe, expect, test } from 'vitest';
import { ALL_STRIPE_EVENT_TYPES } from '../../domain/stripe-event-types.ts';
import { EVENT_TYPES_PER_REQUEST_MAX, listEventPage } from '../../stripe/events.ts';
import { listOpenInvoicePage } from '../../stripe/invoices.ts';
import { listPricePage } from '../../stripe/products.ts';
import { listSubscriptionPage } from '../../stripe/subscriptions.ts';
import { useAnswers, useStripe } from './stripe-simulator.ts';

const { stripe, control, customer, price, subscription, requestsSince } = await useStripe();
const pro = await price();
const soon = () => Math.ceil(Date.now() / 1000) + 1;
const whole = () => ({ from: 0, before: soon(), after: null });
const types = ['invoiceitem.created'];
const eventsOf = (overrides: object = {}) => ({ ...whole(), types, onlyUndelivered: false, ...overrides });

type Page = { last: string | undefined; ids: string[]; hasMore: boolean };
const PAGES: Record<string, (of: { from: number; before: number; after: string | null }) => Promise<Page>> = {
  async subscriptions(of) {
    const { listed, hasMore } = await listSubscriptionPage(stripe, of);
    return page(
      listed.map((each) => each.subscription),
      hasMore,
    );
  },
  async invoices(of) {
    const { invoices, hasMore } = await listOpenInvoicePage(stripe, of);
    return page(invoices, hasMore);
  },
  async events(of) {
    const { events, hasMore } = await listEventPage(stripe, eventsOf(of));
    return page(events, hasMore);
  },
};
function page(objects: readonly { id: string }[], hasMore: boolean): Page {
  const ids = objects.map(({ id }) => id);
  return { ids, last: ids.at(-1), hasMore };
}

async function readAll(name: string, range: { from: number; before: number }): Promise<string[]> {
  const all: string[] = [];
  for (let after: string | null = null; ; ) {
    const { ids, last, hasMore }: Page | { ids: never[]; last: undefined; hasMore: false } = (await PAGES[
      name
    ]?.({ ...range, after })) ?? { ids: [], last: undefined, hasMore: false };
    all.push(...ids);
    if (!hasMore || last === undefined) return all;
    after = last;
  }
}

/** More than a page of each. */
const OF_EACH = 101;
const owner = await customer();
const made = { subscriptions: [] as string[], invoices: [] as string[] };
for (let count = 0; count < OF_EACH; count += 1) {
  made.subscriptions.push((await subscription((await customer()).id, [{ price: pro.id, quantity: 1 }])).id);
  await stripe.invoiceItems.create({ customer: owner.id, amount: 900, currency: 'usd' });
  const invoice = await stripe.invoices.create({
    customer: owner.id,
    auto_advance: false,
    pending_invoice_items_behavior: 'include',
  });
  await stripe.invoices.finalizeInvoice(invoice.id, { auto_advance: false });
  made.invoices.push(invoice.id);
}

describe.each(Object.keys(PAGES))('a page of %s', (name) => {
  test('I4 goes on where the last one ended: each object once, one request a page', async () => {
    await requestsSince();
    const all = await readAll(name, whole());
    expect(await requestsSince()).toHaveLength(2);
    expect(new Set(all).size).toBe(all.length);
    if (name === 'events') expect(all).toHaveLength(OF_EACH);
    else expect(new Set(all)).toEqual(new Set(made[name as 'subscriptions' | 'invoices']));
  });

  test('I4 has what was made from the first second on, and not in the last: two ranges side by side have all', async () => {
    const all = await readAll(name, whole());
    const now = soon();
    for (const middle of [now - 2, now - 4, now - 6]) {
      const older = await readAll(name, { from: 0, before: middle });
      const younger = await readAll(name, { from: middle, before: now });
      expect([...younger, ...older]).toEqual(all);
    }
    expect(await readAll(name, { from: now + 60, before: now + 120 })).toEqual([]);
  });

  test('that Stripe refuses as too many is tried again later', async () => {
    await control.injectFault({ kind: 'rate_limit', path: `/v1/${name}` });
    await expect(PAGES[name]?.(whole())).rejects.toMatchObject({ name: 'StripeRateLimited' });
  });

  test('after an object that Stripe does not know is refused for good', async () => {
    await expect(PAGES[name]?.({ ...whole(), after: 'xx_unknown' })).rejects.toMatchObject({
      name: 'StripeRequestRefused',
    });
  });
});

describe('events', () => {
  test('are those of the types that were asked for, with the payload as Stripe has it', async () => {
    const { events } = await listEventPage(stripe, eventsOf({ types: ['product.created'] }));
    expect(events).toHaveLength(1);
    const [event] = events;
    const payload = JSON.parse(event?.payload ?? '');
    expect(payload).toEqual(JSON.parse(JSON.stringify(await stripe.events.retrieve(event?.id ?? ''))));
    expect(payload).toMatchObject({ id: event?.id, object: 'event', type: 'product.created' });
    expect(event?.createdAt).toEqual(new Date(payload.created * 1000));
  });

  test('that were delivered are left out where only undelivered ones are asked for', async () => {
    const page = await listEventPage(stripe, eventsOf({ onlyUndelivered: true }));
    expect(page).toEqual({ events: [], hasMore: false });
  });

  test('as many types as one request takes are taken', async () => {
    const most = ALL_STRIPE_EVENT_TYPES.slice(0, EVENT_TYPES_PER_REQUEST_MAX);
    await expect(listEventPage(stripe, eventsOf({ types: most }))).resolves.toMatchObject({ hasMore: true });
    const more = ALL_STRIPE_EVENT_TYPES.slice(0, EVENT_TYPES_PER_REQUEST_MAX + 1);
    await expect(listEventPage(stripe, eventsOf({ types: more }))).rejects.toMatchObject({
      name: 'StripeRequestRefused',
    });
  });
});

test('subscriptions come with their customers, all their items, and ended ones too', async () => {
  const buyer = await customer({ tenant_id: 'a tenant' });
  const items = Array.from({ length: 12 }, () => ({ price: pro.id, quantity: 2 }));
  const large = await subscription(buyer.id, items);
  const ended = await subscription(buyer.id, [{ price: pro.id, quantity: 1 }]);
  await stripe.subscriptions.cancel(ended.id);
  const { listed } = await listSubscriptionPage(stripe, whole());
  const found = listed.filter((each) => each.customer.id === buyer.id);
  expect(new Set(found.map((each) => each.subscription.id))).toEqual(new Set([large.id, ended.id]));
  for (const { customer: of, livemode } of found) {
    expect(of).toMatchObject({
      email: 'ada@example.com',
      metadata: { tenant_id: 'a tenant' },
      deleted: false,
    });
    expect(livemode).toBe(false);
  }
  const whom = found.find((each) => each.subscription.id === large.id)?.subscription;
  expect(whom).toMatchObject({ customerId: buyer.id, status: 'active' });
  expect(whom?.items).toHaveLength(12);
});

test('a subscription of a deleted customer, where it is listed, has it as deleted', async () => {
  const gone = { id: 'cus_gone', object: 'customer', deleted: true };
  const [raw] = (await stripe.subscriptions.list({ limit: 1, status: 'all' })).data;
  const answers = await answering({ data: [{ ...raw, customer: gone }], has_more: false });
  const { listed } = await listSubscriptionPage(answers, whole());
  expect(listed).toMatchObject([
    { subscription: { customerId: 'cus_gone' }, customer: { id: 'cus_gone', deleted: true } },
  ]);
});

test('invoices are the open ones', async () => {
  const [last = ''] = made.invoices.splice(-1);
  await stripe.invoices.voidInvoice(last);
  const all = await readAll('invoices', whole());
  expect(all).not.toContain(last);
  expect(new Set(all)).toEqual(new Set(made.invoices));
});

describe('prices', () => {
  test('are all of them, archived ones too, newest first, with their products', async () => {
    const archived = await price({ productName: 'Archived' });
    await stripe.prices.update(archived.id, { active: false });
    for (let count = 0; count < 99; count += 1)
      await stripe.prices.create({ product: String(pro.product), currency: 'usd', unit_amount: count });
    const first = await listPricePage(stripe, null);
    expect(first).toMatchObject({ hasMore: true });
    const second = await listPricePage(stripe, first.prices.at(-1)?.price.id ?? null);
    expect(second.hasMore).toBe(false);
    const all = [...first.prices, ...second.prices];
    expect(new Set(all.map((each) => each.price.id)).size).toBe(101);
    expect(all.find((each) => each.price.id === archived.id)).toMatchObject({
      price: { active: false, productId: archived.product },
      product: { id: archived.product, name: 'Archived', active: true },
    });
  });

  test('whose product was deleted come without one', async () => {
    const { data } = await stripe.prices.list({ limit: 1 });
    const product = { id: 'prod_gone', object: 'product', deleted: true };
    const answers = await answering({ data: [{ ...data[0], product }], has_more: false });
    expect(await listPricePage(answers, null)).toMatchObject({
      prices: [{ price: { productId: 'prod_gone' }, product: null }],
    });
  });
});

const answering = (body: unknown) =>
  useAnswers((response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(body));
  });

describe.each([
  ['a page of something else', { hello: 'world' }],
  ['objects without what we need', { object: 'list', data: [{ id: 'x' }], has_more: false }],
  ['no word on whether there is more', { object: 'list', data: [] }],
])('I4 an answer that is %s is no empty page, but tried again', (_, body) => {
  test.each([
    ['events', (of: typeof stripe) => listEventPage(of, eventsOf())],
    ['subscriptions', (of: typeof stripe) => listSubscriptionPage(of, whole())],
    ['invoices', (of: typeof stripe) => listOpenInvoicePage(of, whole())],
    ['prices', (of: typeof stripe) => listPricePage(of, null)],
  ])('%s', async (_name, call) => {
    await expect(call(await answering(body))).rejects.toMatchObject({ name: 'StripeUnavailable' });
  });
});
