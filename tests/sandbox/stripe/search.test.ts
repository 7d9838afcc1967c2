import { describe, expect, it } from 'vitest';
import { createSubscription, refusalOf, type Sandbox, startSandbox } from './simulator-fixture.ts';

/** Three customers, and how to search them: the names found, newest first. */
async function withCustomers(): Promise<
  Sandbox & { namesOf: (query: string) => Promise<(string | null | undefined)[]> }
> {
  const sandbox = await startSandbox();
  const { customers } = sandbox.stripe;
  await customers.create({ name: 'Ada Lovelace', email: 'ada@example.com', metadata: { tenant: 'T-1' } });
  await customers.create({
    name: 'Ada King Lovelace',
    email: 'king@example.com',
    metadata: { 'it"s': "o'k" },
  });
  await customers.create({ name: 'Grace Hopper', phone: '+1 555 123' });
  const namesOf = async (query: string): Promise<(string | null | undefined)[]> =>
    (await customers.search({ query })).data.map(({ name }) => name);
  return { ...sandbox, namesOf };
}

describe('search', () => {
  it.each([
    [`email:'ada@example.com'`, ['Ada Lovelace']],
    [`email:"ADA@example.com"`, ['Ada Lovelace']],
    [`name:'ada king'`, ['Ada King Lovelace']],
    [`name:'ada lovelace'`, ['Ada Lovelace']],
    [`name:'love'`, []],
    [`name~'love'`, ['Ada King Lovelace', 'Ada Lovelace']],
    [`-name~'love'`, ['Grace Hopper']],
    [`metadata['tenant']:'T-1'`, ['Ada Lovelace']],
    [`metadata["it\\"s"]:"o'k"`, ['Ada King Lovelace']],
    [`-metadata['tenant']:null`, ['Ada Lovelace']],
    [`email:null`, ['Grace Hopper']],
    [`phone:null AND metadata['tenant']:null`, ['Ada King Lovelace']],
    [`email~'example.com' -name~'king'`, ['Ada Lovelace']],
    [`name~'grace' or email:'king@example.com'`, ['Grace Hopper', 'Ada King Lovelace']],
    [`created>1000000000 name:'grace hopper'`, ['Grace Hopper']],
    [`created<1000000000`, []],
  ])('finds by %s', async (query, names) => {
    const { namesOf } = await withCustomers();
    expect(await namesOf(query)).toEqual(names);
  });

  it.each([
    ['ada', 'We were unable to parse your search query.'],
    [`name:'a' name:`, 'We were unable to parse your search query.'],
    [`name:'a' AND email:'b' OR phone:'c'`, 'AND and OR'],
    [Array.from({ length: 11 }, () => `name:'a'`).join(' '), 'up to 10'],
    [`city:'a'`, 'Field `city` is an unsupported search field for resource `customers`.'],
    [`name~'ab'`, 'at least 3 characters'],
    [`name>'a'`, 'not supported'],
    [`name:ada`, 'quotation marks'],
    [`created:'yesterday'`, 'numeric'],
  ])('refuses %s', async (query, message) => {
    const { stripe } = await startSandbox();
    const refusal = await refusalOf(stripe.customers.search({ query }));
    expect(refusal).toMatchObject({ statusCode: 400, rawType: 'invalid_request_error' });
    expect(refusal.message).toContain(message);
  });

  it('is read page by page, each object once', async () => {
    const { stripe } = await startSandbox();
    for (let i = 1; i <= 5; i++) await stripe.customers.create({ name: `Same ${i}` });
    const names: (string | null | undefined)[] = [];
    for await (const { name } of stripe.customers.search({ query: `name~'same'`, limit: 2 }))
      names.push(name);
    expect(names).toEqual(['Same 5', 'Same 4', 'Same 3', 'Same 2', 'Same 1']);
    const last = await stripe.customers.search({ query: `name~'same'`, limit: 5 });
    expect(last).toMatchObject({ object: 'search_result', has_more: false, next_page: null });
    const wrong = stripe.customers.search({ query: `name~'same'`, page: 'nonsense' });
    expect(await refusalOf(wrong)).toMatchObject({ statusCode: 400, param: 'page' });
  });

  it('finds what a purchase has made, whatever it is', async () => {
    const { stripe } = await startSandbox();
    const { customer, price, subscription } = await createSubscription(stripe, 3);
    await stripe.subscriptions.update(subscription.id, { metadata: { tenant: 'T-1' } });
    const found = [
      await stripe.subscriptions.search({ query: `status:'active' AND metadata['tenant']:'T-1'` }),
      await stripe.invoices.search({ query: `subscription:'${subscription.id}' total:1500 status:'paid'` }),
      await stripe.products.search({ query: `active:'true' AND name:'licence'` }),
      await stripe.prices.search({ query: `product:'${String(price.product)}' type:'recurring'` }),
      await stripe.charges.search({ query: `customer:'${customer.id}' amount>=1500 refunded:null` }),
      await stripe.paymentIntents.search({ query: `customer:'${customer.id}' status:'succeeded'` }),
    ];
    expect(found.map(({ data }) => data.length)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('expands what it finds', async () => {
    const { stripe } = await startSandbox();
    const { customer } = await createSubscription(stripe, 1);
    const { data } = await stripe.subscriptions.search({
      query: `status:'active'`,
      expand: ['data.customer'],
    });
    expect(data).toMatchObject([{ customer: { id: customer.id } }]);
  });

  it('sees the newest only after the lag that is set', async () => {
    const { stripe, control } = await startSandbox();
    await control.configureBilling({ searchLagSeconds: 60 });
    const { id } = await stripe.customers.create({ name: 'Fresh' });
    const search = async (): Promise<string[]> =>
      (await stripe.customers.search({ query: `name:'fresh'` })).data.map((one) => one.id);
    expect(await search()).toEqual([]);
    await control.setTimeOffset(61_000);
    expect(await search()).toEqual([id]);
  });
});
