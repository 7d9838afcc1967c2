import { describe, expect, test } from 'vitest';
import { stripeCustomerIdSchema, stripeSubscriptionIdSchema } from '../../domain/ids.ts';
import { tagCustomer, tagSubscription } from '../../stripe/metadata.ts';
import { useStripe } from './stripe-simulator.ts';

const { stripe, control, customer, price, subscription } = await useStripe();
const TAGS = { tenant_id: 'tenant-1', onboarded: 'true' };

async function newCustomer() {
  const id = stripeCustomerIdSchema.parse((await customer({ kept: 'yes' })).id);
  return {
    id,
    tag: () => tagCustomer(stripe, { id, metadata: TAGS, idempotencyKey: `create-tenant-${id}/tag` }),
  };
}

/** The writes to an object: key, whether executed, replayed or lost. */
async function writesTo(id: string) {
  const requests = await control.requests();
  return requests
    .filter((request) => request.method === 'POST' && request.path.endsWith(`/${id}`))
    .map(({ idempotencyKey, status, replayed }) => ({ idempotencyKey, status, replayed }));
}
/** The SDK itself asks once more when a connection is closed: under the same key, so that Stripe replays the answer. */
const LOST_TWICE = (idempotencyKey: string) => [
  { idempotencyKey, status: null, replayed: false },
  { idempotencyKey, status: null, replayed: true },
];
const updatesOf = async (id: string) =>
  (await stripe.events.list({ type: 'customer.updated', limit: 100 })).data.filter(
    (event) => 'id' in event.data.object && event.data.object.id === id,
  ).length;

test('I7 a tag is one write under the key, and leaves other metadata alone', async () => {
  const { id, tag } = await newCustomer();
  await tag();
  expect(await writesTo(id)).toEqual([
    { idempotencyKey: `create-tenant-${id}/tag`, status: 200, replayed: false },
  ]);
  expect((await stripe.customers.retrieve(id)) as object).toMatchObject({
    metadata: { kept: 'yes', ...TAGS },
  });
});

test('I7 what is tagged already is not written again', async () => {
  const { id, tag } = await newCustomer();
  await tag();
  await tag();
  expect(await writesTo(id)).toHaveLength(1);
});

test('I7 after a lost answer the retry reads the truth and writes nothing', async () => {
  const { id, tag } = await newCustomer();
  await control.injectFault({ kind: 'lost_answer', method: 'POST', path: `/v1/customers/${id}`, times: 2 });
  await expect(tag()).rejects.toMatchObject({ name: 'StripeUnavailable' });
  await tag();
  expect(await writesTo(id)).toEqual(LOST_TWICE(`create-tenant-${id}/tag`));
  expect(await updatesOf(id)).toBe(1);
});

test.each(['rate_limit', 'lock_timeout'] as const)(
  'I7 after %s every retry has the same key',
  async (kind) => {
    const { id, tag } = await newCustomer();
    await control.injectFault({ kind, method: 'POST', path: `/v1/customers/${id}`, times: 2 });
    await expect(tag()).rejects.toThrow();
    await expect(tag()).rejects.toThrow();
    await tag();
    const writes = await writesTo(id);
    expect(writes.map((write) => write.status)).toEqual([429, 429, 200]);
    expect(new Set(writes.map((write) => write.idempotencyKey)).size).toBe(1);
  },
);

test('I7 a stored 500 is replayed, the truth is read, and only then the next key is used', async () => {
  const { id, tag } = await newCustomer();
  await control.injectFault({ kind: 'error_before', method: 'POST', path: `/v1/customers/${id}` });
  await expect(tag()).rejects.toMatchObject({ name: 'StripeUnavailable' });
  await tag();
  const key = `create-tenant-${id}/tag`;
  expect(await writesTo(id)).toEqual([
    { idempotencyKey: key, status: 500, replayed: false },
    { idempotencyKey: key, status: 500, replayed: true },
    { idempotencyKey: `${key}:2`, status: 200, replayed: false },
  ]);
  const own = (await control.requests()).filter((request) => request.path.endsWith(`/${id}`));
  // The read before each write is what makes the next key safe.
  expect(own.map((request) => request.method)).toEqual(['GET', 'POST', 'GET', 'POST', 'GET', 'POST']);
});

test('I7 a 500 that was executed all the same is seen by the read, and no second key is used', async () => {
  const { id, tag } = await newCustomer();
  await control.injectFault({ kind: 'error_after', method: 'POST', path: `/v1/customers/${id}` });
  await expect(tag()).rejects.toMatchObject({ name: 'StripeUnavailable' });
  await tag();
  expect(await writesTo(id)).toHaveLength(1);
  expect(await updatesOf(id)).toBe(1);
});

test('I7 a key that was used with other parameters is given up for the next', async () => {
  const { id, tag } = await newCustomer();
  const idempotencyKey = `create-tenant-${id}/tag`;
  await stripe.customers.update(id, { metadata: { tenant_id: 'another' } }, { idempotencyKey });
  await tag();
  expect(await stripe.customers.retrieve(id)).toMatchObject({ metadata: TAGS });
});

test('I12 keys are not used up without end', async () => {
  const { id, tag } = await newCustomer();
  const path = `/v1/customers/${id}`;
  // Each key's first use fails and is stored; each try finds one more of them spent.
  await control.injectFault({ kind: 'error_before', method: 'POST', path, times: 1 });
  await expect(tag()).rejects.toThrow();
  await control.injectFault({ kind: 'error_before', method: 'POST', path, after: 1 });
  await expect(tag()).rejects.toThrow();
  await control.injectFault({ kind: 'error_before', method: 'POST', path, after: 2 });
  await expect(tag()).rejects.toThrow();
  await expect(tag()).rejects.toMatchObject({ name: 'StripeUnavailable' });
  const keys = (await writesTo(id)).map((write) => write.idempotencyKey);
  expect(new Set(keys).size).toBe(3);
});

describe('what can’t be tagged has a name', () => {
  test('a customer that is unknown or deleted', async () => {
    const { id, tag } = await newCustomer();
    await stripe.customers.del(id);
    await expect(tag()).rejects.toMatchObject({ name: 'CustomerDeleted' });
    const unknown = { id: stripeCustomerIdSchema.parse('cus_unknown'), metadata: TAGS, idempotencyKey: 'k' };
    await expect(tagCustomer(stripe, unknown)).rejects.toMatchObject({ name: 'CustomerNotFound' });
    expect(await writesTo(id)).toEqual([]);
  });

  test('a subscription that is unknown', async () => {
    const unknown = {
      id: stripeSubscriptionIdSchema.parse('sub_unknown'),
      metadata: TAGS,
      idempotencyKey: 'k',
    };
    await expect(tagSubscription(stripe, unknown)).rejects.toMatchObject({ name: 'SubscriptionNotFound' });
  });
});

test('I7 a subscription is tagged once, also after a lost answer', async () => {
  const made = await subscription((await newCustomer()).id, [{ price: (await price()).id, quantity: 1 }]);
  const id = stripeSubscriptionIdSchema.parse(made.id);
  const tag = () => tagSubscription(stripe, { id, metadata: TAGS, idempotencyKey: `tag/${id}` });
  await control.injectFault({
    kind: 'lost_answer',
    method: 'POST',
    path: `/v1/subscriptions/${id}`,
    times: 2,
  });
  await expect(tag()).rejects.toMatchObject({ name: 'StripeUnavailable' });
  await tag();
  expect(await writesTo(id)).toEqual(LOST_TWICE(`tag/${id}`));
  expect((await stripe.subscriptions.retrieve(id)).metadata).toMatchObject(TAGS);
});
