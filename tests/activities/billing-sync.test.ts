import { describe, expect, test } from 'vitest';
import { customerState } from '../../db/billing-projection.ts';
import { PENDING_EVENTS_MAX } from '../../db/webhook-events.ts';
import { Failure } from '../../domain/failures.ts';
import { stripeCustomerIdSchema, stripeSubscriptionIdSchema } from '../../domain/ids.ts';
import { SUBSCRIPTION_STATUSES } from '../../domain/subscription.ts';
import { useDatabase } from '../database.ts';
import { billingRows, event, newId } from '../db/billing-rows.ts';
import { useStripe } from '../stripe/stripe-simulator.ts';
import { activityWorld } from './activity-world.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });
const { stripe, control, customer, price, subscription, requestsSince } = await useStripe();
const world = activityWorld({ database, stripe });
const pro = await price();

const sync = (subject: string, attempt?: number) =>
  world.run(world.syncSubject, { subject, only_pending: false }, attempt);

/** A tenant whose customer bought licences in Stripe. */
async function buyer(quantity = 10) {
  const made = await customer();
  const owner = await rows.tenantWithCustomer({ stripe_customer_id: made.id });
  const bought = await subscription(made.id, [{ price: pro.id, quantity }]);
  return { ...owner, bought, item: bought.items.data[0]?.id ?? '' };
}

/** A Stripe that lets something happen after it has listed subscriptions and before anybody has its answer. */
function afterListing(happens: () => Promise<void>): typeof stripe {
  const list: typeof stripe.subscriptions.list = (...options) => {
    const listed = stripe.subscriptions.list(...options);
    const readAll = listed.autoPagingToArray.bind(listed);
    const autoPagingToArray: typeof listed.autoPagingToArray = async (limit) => {
      const subscriptions = await readAll(limit);
      await happens();
      return subscriptions;
    };
    return Object.assign(listed, { autoPagingToArray });
  };
  const subscriptions = Object.assign(Object.create(stripe.subscriptions), { list });
  return Object.create(stripe, { subscriptions: { value: subscriptions } });
}

describe('a known customer', () => {
  test.each(SUBSCRIPTION_STATUSES)(
    'I4 %s in Stripe is so in the projection, and the count follows',
    async (status) => {
      const { tenant, customer: id, bought } = await buyer();
      if (status !== 'active') await control.setSubscriptionStatus(bought.id, status);
      const [evt = ''] = await rows.receive(event({ subject: id }));
      const count = ['incomplete', 'incomplete_expired', 'canceled'].includes(status) ? 0 : 10;
      expect(await sync(id)).toMatchObject({ processed: 1, tenant, licensed_user_count: count, more: false });
      expect(await rows.subscriptionRow(bought.id)).toMatchObject({ status, quantity: 10 });
      expect(await rows.tenantRow(tenant)).toMatchObject({
        licensed_user_count: count,
        access_state: count === 0 ? 'canceled' : 'active',
      });
      expect(await rows.eventRow(evt)).toMatchObject({
        status: 'processed',
        status_reason: null,
        tenant,
        attempts: 1,
      });
    },
  );

  test('I4 only the truth counts, not what events said or in which order they came', async () => {
    const { tenant, customer: id, bought, item } = await buyer();
    for (const quantity of [25, 3, 8])
      await stripe.subscriptions.update(bought.id, { items: [{ id: item, quantity }] });
    await rows.receive(
      event({ subject: id, eventType: 'customer.subscription.deleted' }),
      event({ subject: id }),
    );
    expect(await sync(id)).toMatchObject({ processed: 2, licensed_user_count: 8 });
    const before = await rows.tenantRow(tenant);
    expect(await sync(id)).toMatchObject({ processed: 0, licensed_user_count: 8 });
    expect(await rows.tenantRow(tenant)).toEqual(before);
  });

  test('I7 a sync never writes to Stripe', async () => {
    const { customer: id } = await buyer();
    await rows.receive(event({ subject: id }), event({ subject: id, eventType: 'customer.updated' }));
    await requestsSince();
    await sync(id);
    expect((await requestsSince()).filter((request) => !request.startsWith('GET '))).toEqual([]);
  });

  test('a customer that was deleted in Stripe has no licences any more', async () => {
    const { tenant, customer: id, bought } = await buyer();
    await sync(id);
    await stripe.customers.del(id);
    await rows.receive(event({ subject: id, eventType: 'customer.deleted' }));
    expect(await sync(id)).toMatchObject({ processed: 1, licensed_user_count: 0 });
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 0, access_state: 'canceled' });
    expect(await rows.subscriptionRow(bought.id)).toMatchObject({ status: 'canceled' });
  });

  test('I4 a subscription that we first hear of when its customer is deleted is seen with its end', async () => {
    const { tenant, customer: id, bought } = await buyer();
    await stripe.customers.del(id);
    await rows.receive(
      event({ subject: id, objectId: bought.id, eventType: 'customer.subscription.created' }),
      event({ subject: id, objectId: id, eventType: 'customer.deleted' }),
    );
    expect(await sync(id)).toMatchObject({ processed: 2, licensed_user_count: 0 });
    expect(await rows.subscriptionRow(bought.id)).toMatchObject({ status: 'canceled' });
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 0, access_state: 'canceled' });
  });

  test('a live subscription that Stripe no longer lists is read by itself, so that its end is seen', async () => {
    const { customer: id } = await buyer();
    const another = await subscription((await customer()).id, [{ price: pro.id, quantity: 2 }]);
    await sync(id);
    await pool.query(
      `update stripe_subscriptions set stripe_subscription_external_id = $2 where stripe_customer_id =
         (select stripe_customer_id from stripe_customers where stripe_customer_external_id = $1)`,
      [id, another.id],
    );
    await stripe.subscriptions.cancel(another.id);
    await sync(id);
    expect(await rows.subscriptionRow(another.id)).toMatchObject({ status: 'canceled' });
  });

  test('I4 an unpaid first subscription that Stripe no longer lists is read by itself too', async () => {
    const { customer: id, bought } = await buyer();
    await control.setSubscriptionStatus(bought.id, 'incomplete');
    await sync(id);
    const state = await customerState(database, id);
    expect(state?.openSubscriptionIds).toEqual([bought.id]);
    await control.setSubscriptionStatus(bought.id, 'incomplete_expired');
    await sync(id);
    expect(await customerState(database, id)).toMatchObject({ openSubscriptionIds: [] });
  });

  test('its name and address follow when an event says that it changed', async () => {
    const { customer: id } = await buyer();
    await stripe.customers.update(id, { email: 'new@example.com', name: 'New Ltd' });
    await rows.receive(event({ subject: id, eventType: 'customer.updated' }));
    await sync(id);
    const { rows: found } = await pool.query(
      'select email, name from stripe_customers where stripe_customer_external_id = $1',
      [id],
    );
    expect(found).toEqual([{ email: 'new@example.com', name: 'New Ltd' }]);
  });

  test('I4 a sync that was overtaken reads again', async () => {
    const { customer: id } = await buyer();
    await rows.receive(event({ subject: id }));
    const rounds = await Promise.all([sync(id), sync(id)]);
    expect(rounds.map((round) => round.licensed_user_count)).toEqual([10, 10]);
  });

  test('I4 a sync that was overtaken between its fetch and its commit writes nothing of what it had fetched', async () => {
    const { customer: id, bought, item } = await buyer();
    await rows.receive(event({ subject: id }));
    let fetches = 0;
    const overtaken = activityWorld({
      database,
      stripe: afterListing(async () => {
        fetches += 1;
        if (fetches > 1) return;
        await stripe.subscriptions.update(bought.id, { items: [{ id: item, quantity: 25 }] });
        expect(await sync(id)).toMatchObject({ licensed_user_count: 25 });
      }),
    });
    const round = await overtaken.run(overtaken.syncSubject, { subject: id, only_pending: false });
    expect([fetches, round.licensed_user_count]).toEqual([2, 25]);
    expect(await rows.subscriptionRow(bought.id)).toMatchObject({ quantity: 25 });
  });

  test('I12 a full round says that there is more', async () => {
    const { customer: id } = await buyer();
    await rows.receive(...Array.from({ length: PENDING_EVENTS_MAX + 2 }, () => event({ subject: id })));
    expect(await sync(id)).toMatchObject({ processed: PENDING_EVENTS_MAX, more: true });
    expect(await sync(id)).toMatchObject({ processed: 2, more: false });
  });
});

describe('a customer nobody knows', () => {
  test('I3 its events are parked, and settled when it is known and the sweep wakes it', async () => {
    const made = await customer();
    await subscription(made.id, [{ price: pro.id, quantity: 6 }]);
    const [evt = ''] = await rows.receive(event({ subject: made.id }));
    expect(await sync(made.id)).toMatchObject({ parked: 1, tenant: null, licensed_user_count: null });
    expect(await rows.eventRow(evt)).toMatchObject({ status: 'parked', status_reason: 'unknown_customer' });
    const { tenant } = await rows.tenantWithCustomer({ stripe_customer_id: made.id });
    expect(await world.run(world.wakeDueSubjects, undefined)).toMatchObject({ parked_claimed: 1 });
    expect(world.wakes).toContain(made.id);
    expect(await sync(made.id)).toMatchObject({ processed: 1, tenant, licensed_user_count: 6 });
    expect(await rows.eventRow(evt)).toMatchObject({ status: 'processed', tenant });
  });

  test('I3 what was parked before the customer was linked by its metadata does not stay parked', async () => {
    const made = await customer();
    const { tenant } = await rows.tenantWithCustomer();
    const [early = ''] = await rows.receive(event({ subject: made.id }));
    await sync(made.id);
    await stripe.customers.update(made.id, { metadata: { tenant_id: tenant } });
    const [late = ''] = await rows.receive(event({ subject: made.id, eventType: 'customer.updated' }));
    expect(await sync(made.id)).toMatchObject({ processed: 1, tenant });
    await world.run(world.wakeDueSubjects, undefined);
    expect(world.wakes).toContain(made.id);
    await world.run(world.syncSubject, { subject: made.id, only_pending: true });
    expect(await rows.eventRow(late)).toMatchObject({ status: 'processed' });
    expect(await rows.eventRow(early)).toMatchObject({ status: 'processed', tenant });
  });

  test('is linked to the tenant that its metadata names', async () => {
    const { tenant } = await rows.tenantWithCustomer();
    const made = await customer({ tenant_id: tenant });
    await subscription(made.id, [{ price: pro.id, quantity: 3 }]);
    await rows.receive(event({ subject: made.id }));
    expect(await sync(made.id)).toMatchObject({ processed: 1, tenant, licensed_user_count: 3 });
  });

  test('is linked to the tenant that its subscription’s metadata names', async () => {
    const { tenant } = await rows.tenantWithCustomer();
    const made = await customer({ tenant_id: 'nonsense' });
    await subscription(made.id, [{ price: pro.id, quantity: 5 }], { tenant_id: tenant });
    await rows.receive(event({ subject: made.id }));
    expect(await sync(made.id)).toMatchObject({ processed: 1, tenant, licensed_user_count: 5 });
  });

  test('is not linked to a tenant that does not exist', async () => {
    const made = await customer({ tenant_id: '00000000-0000-4000-8000-00000000dead' });
    await rows.receive(event({ subject: made.id }));
    expect(await sync(made.id)).toMatchObject({ parked: 1, tenant: null });
  });

  test('unknown to Stripe too: its events are parked', async () => {
    const id = newId('cus');
    await rows.receive(event({ subject: id }));
    expect(await sync(id)).toMatchObject({ parked: 1 });
  });

  test('a wake of a known customer without pending events does not ask Stripe', async () => {
    const { customer: id } = await buyer();
    await requestsSince();
    const round = await world.run(world.syncSubject, { subject: id, only_pending: true });
    expect(round).toMatchObject({ processed: 0, more: false });
    expect(await requestsSince()).toEqual([]);
  });

  test('nothing pending: Stripe is not even asked', async () => {
    await requestsSince();
    expect(await sync(newId('cus'))).toMatchObject({ processed: 0, parked: 0 });
    expect(await requestsSince()).toEqual([]);
  });
});

describe('a Checkout session of a customer nobody knows', () => {
  async function completed(options: { payment?: 'card' | 'delayed'; mode?: 'payment'; email?: null } = {}) {
    const single = options.mode === 'payment';
    const oneTime = single
      ? await stripe.prices.create({ product: String(pro.product), currency: 'usd', unit_amount: 5 })
      : pro;
    const open = await stripe.checkout.sessions.create({
      mode: options.mode ?? 'subscription',
      line_items: [{ price: oneTime.id, quantity: 4 }],
      success_url: 'https://shop.example.com',
      ...(single && { customer_creation: 'always' as const }),
    });
    const done = await control.completeCheckoutSession(open.id, {
      payment: options.payment ?? 'card',
      ...(options.email !== null && { email: 'buyer@example.com' }),
      name: 'Buyer Ltd',
    });
    const made = {
      objectId: open.id,
      subject: String(done.customer),
      eventType: 'checkout.session.completed',
    };
    const [evt = ''] = await rows.receive(event(made));
    return { ...made, evt };
  }

  test('I6 a paid one begins a tenant, and its event stays pending until that has begun', async () => {
    const { subject, evt } = await completed();
    expect(await sync(subject)).toMatchObject({
      purchase: {
        input: {
          email: 'buyer@example.com',
          client_name: 'Buyer Ltd',
          stripe_customer_id: subject,
          initial_license_count: 4,
          source: 'stripe_checkout',
        },
        stripe_event_ids: [evt],
      },
    });
    expect(await rows.eventRow(evt)).toMatchObject({ status: 'received' });
    await world.run(world.settlePurchaseEvents, { stripe_event_ids: [evt] });
    expect(await rows.eventRow(evt)).toMatchObject({ status: 'processed' });
  });

  test('an unpaid one is ignored as awaiting its payment; when the money has come it begins the tenant', async () => {
    const { subject, objectId, evt } = await completed({ payment: 'delayed' });
    expect(await sync(subject)).toMatchObject({ ignored: 1 });
    expect(await rows.eventRow(evt)).toMatchObject({ status: 'ignored', status_reason: 'awaiting_payment' });
    await control.settleDelayedPayment(objectId, { paid: true });
    await rows.receive(event({ subject, objectId, eventType: 'checkout.session.async_payment_succeeded' }));
    expect((await sync(subject)).purchase).toBeDefined();
  });

  test('I3 one that names nobody fails, alone: the customer’s other events are parked', async () => {
    const { subject, evt } = await completed({ email: null });
    const [other = ''] = await rows.receive(event({ subject }));
    await expect(sync(subject)).rejects.toMatchObject({ name: 'InvalidInput' });
    expect(await rows.eventRow(evt)).toMatchObject({ status: 'failed', status_reason: 'InvalidInput' });
    expect(await rows.eventRow(other)).toMatchObject({ status: 'parked', status_reason: 'unknown_customer' });
  });

  test('one that names nobody is counted as failed alone, the others as what became of them', async () => {
    const { subject, evt } = await completed({ email: null });
    const others = await rows.receive(event({ subject }), event({ subject }));
    const counting = activityWorld({ database, stripe });
    await expect(counting.run(counting.syncSubject, { subject, only_pending: true })).rejects.toMatchObject({
      name: 'InvalidInput',
    });
    const metrics = await counting.metricsText();
    expect(metrics).toContain('tenantry_events_settled_total{status="failed"} 1\n');
    expect(metrics).toContain(`tenantry_events_settled_total{status="parked"} ${others.length}\n`);
    expect(metrics).toContain('tenantry_event_attempts_failed_total{reason="InvalidInput"} 1\n');
    expect(counting.logged.join('')).toContain(evt);
    for (const other of others) expect(counting.logged.join('')).not.toContain(other);
  });

  test('one that sold no licence is ignored', async () => {
    const { subject, evt } = await completed({ mode: 'payment' });
    await sync(subject);
    expect(await rows.eventRow(evt)).toMatchObject({
      status: 'ignored',
      status_reason: 'not_a_license_purchase',
    });
  });

  test('I6 a thin event of a session is filed under its customer, whose sync begins the tenant', async () => {
    const { subject, objectId, evt } = await completed();
    await pool.query(
      'update stripe_webhook_events set subject = $2, event_type = $3 where stripe_event_id = $1',
      [evt, objectId, 'v1.checkout.session.completed'],
    );
    expect(await sync(objectId)).toMatchObject({ customer: subject, parked: 0 });
    expect((await sync(subject)).purchase).toMatchObject({ stripe_event_ids: [evt] });
  });
});

describe('a subject that is no customer', () => {
  test.each(['sub_unknown', 'cs_unknown', 'something else'])(
    '%s leads nowhere: parked, not lost',
    async (subject) => {
      const [evt = ''] = await rows.receive(event({ subject }));
      expect(await sync(subject)).toMatchObject({ parked: 1 });
      expect(await rows.eventRow(evt)).toMatchObject({ status: 'parked', status_reason: 'unknown_customer' });
    },
  );

  test('I4 product and price events bring the product with all its prices up to date', async () => {
    const sold = await price({ productName: 'Before' });
    const subject = `product:${sold.product}`;
    await rows.receive(
      event({ subject, eventType: 'product.created' }),
      event({ subject, eventType: 'price.created' }),
    );
    expect(await sync(subject)).toMatchObject({ processed: 2 });
    await stripe.products.update(String(sold.product), { name: 'After', active: false });
    await stripe.prices.update(sold.id, { active: false, metadata: { tier: 'gold' } });
    await rows.receive(event({ subject, eventType: 'price.updated' }));
    await sync(subject);
    expect(await rows.priceRow(sold.id)).toMatchObject({
      product_name: 'After',
      product_active: false,
      is_active: false,
      metadata: { tier: 'gold' },
    });
  });

  test('a deleted product becomes inactive', async () => {
    const sold = await stripe.products.create({ name: 'Short-lived' });
    const subject = `product:${sold.id}`;
    await sync(subject);
    await stripe.products.del(sold.id);
    await rows.receive(event({ subject, eventType: 'product.deleted' }));
    expect(await sync(subject)).toMatchObject({ processed: 1 });
    const { rows: found } = await pool.query(
      'select is_active from stripe_products where stripe_product_external_id = $1',
      [sold.id],
    );
    expect(found).toEqual([{ is_active: false }]);
  });
});

describe('when an attempt fails', () => {
  test('I3 with more to come, the events stay pending', async () => {
    const { customer: id } = await buyer();
    const [evt = ''] = await rows.receive(event({ subject: id }));
    await control.injectFault({ kind: 'rate_limit', path: '/v1/subscriptions' });
    await expect(sync(id, 99)).rejects.toMatchObject({ name: 'StripeRateLimited' });
    expect(await rows.eventRow(evt)).toMatchObject({ status: 'received', attempts: 0 });
    await sync(id);
    expect(await rows.eventRow(evt)).toMatchObject({ status: 'processed' });
  });

  test('I3 for good, exactly the noted events carry its name and get their next attempt later', async () => {
    const { customer: id } = await buyer();
    const [noted = ''] = await rows.receive(event({ subject: id }));
    let late = '';
    const refusing = refusingWorld(async () => {
      // An event that comes while the attempt runs is not the attempt's.
      [late = ''] = await rows.receive(event({ subject: id }));
    });
    await expect(refusing.run(refusing.syncSubject, pendingOf(id))).rejects.toMatchObject(REFUSED);
    expect(await rows.eventRow(noted)).toMatchObject({ status: 'received', last_error: 'no', attempts: 1 });
    expect(await rows.dueInSeconds(noted)).toBeCloseTo(30, -1);
    expect(await rows.eventRow(late)).toMatchObject({ status: 'received', last_error: null, attempts: 0 });
  });

  test('I3 the sweep brings each next attempt; after the fourth the event is failed by its name', async () => {
    const { customer: id } = await buyer();
    const [evt = ''] = await rows.receive(event({ subject: id }));
    const refusing = refusingWorld();
    for (const pause of ['31 seconds', '31 seconds', '61 seconds', '121 seconds']) {
      expect((await rows.eventRow(evt))?.status).toBe('received');
      await rows.age([evt], pause);
      const { woken } = await refusing.run(refusing.wakeDueSubjects, undefined);
      expect(woken).toBeGreaterThan(0);
      expect(refusing.wakes.splice(0)).toContain(id);
      await expect(refusing.run(refusing.syncSubject, pendingOf(id))).rejects.toMatchObject(REFUSED);
    }
    expect(await rows.eventRow(evt)).toMatchObject({
      status: 'failed',
      status_reason: 'DatabaseRefused',
      last_error: 'no',
      attempts: 4,
    });
    await refusing.run(refusing.wakeDueSubjects, undefined);
    expect(refusing.wakes).not.toContain(id);
  });

  test('I3 an attempt that helps settles what failed before', async () => {
    const { customer: id } = await buyer();
    const [evt = ''] = await rows.receive(event({ subject: id }));
    const refusing = refusingWorld();
    await expect(refusing.run(refusing.syncSubject, pendingOf(id))).rejects.toMatchObject(REFUSED);
    expect(await sync(id)).toMatchObject({ processed: 1 });
    expect(await rows.eventRow(evt)).toMatchObject({ status: 'processed', last_error: null, attempts: 2 });
  });

  test('a burst of other events does not use up the attempts of one that waits for its next', async () => {
    const { customer: id } = await buyer();
    const [first = ''] = await rows.receive(event({ subject: id }));
    const refusing = refusingWorld();
    for (let burst = 0; burst < 6; burst += 1) {
      await expect(refusing.run(refusing.syncSubject, pendingOf(id))).rejects.toMatchObject(REFUSED);
      await rows.receive(event({ subject: id }));
    }
    expect(await rows.eventRow(first)).toMatchObject({ status: 'received', attempts: 1 });
  });

  test('an error without a name is given five tries, and that is one attempt', async () => {
    const { customer: id } = await buyer();
    const [evt = ''] = await rows.receive(event({ subject: id }));
    const broken = activityWorld({
      stripe: Object.create(stripe, { subscriptions: { value: undefined } }),
      database,
    });
    await expect(broken.run(broken.syncSubject, pendingOf(id), 4)).rejects.toThrow(TypeError);
    expect(await rows.eventRow(evt)).toMatchObject({ status: 'received', attempts: 0 });
    await expect(broken.run(broken.syncSubject, pendingOf(id), 5)).rejects.toThrow(TypeError);
    expect(await rows.eventRow(evt)).toMatchObject({ status: 'received', attempts: 1 });
    await pool.query('update stripe_webhook_events set attempts = 3 where stripe_event_id = $1', [evt]);
    await rows.age([evt], '121 seconds');
    await expect(broken.run(broken.syncSubject, pendingOf(id), 5)).rejects.toThrow(TypeError);
    expect(await rows.eventRow(evt)).toMatchObject({ status: 'failed', status_reason: 'Unexpected' });
  });

  const REFUSED = { name: 'DatabaseRefused' };
  const pendingOf = (subject: string) => ({ subject, only_pending: false });

  /** Postgres refuses each write of a snapshot. */
  function refusingWorld(before: () => Promise<void> = async () => undefined) {
    return activityWorld({
      stripe,
      database: new Proxy(database, {
        get(target, property, receiver) {
          if (property !== 'transaction') return Reflect.get(target, property, receiver);
          return async () => {
            await before();
            throw new Failure('DatabaseRefused', 'no');
          };
        },
      }),
    });
  }
});

describe('import of a new tenant’s subscriptions', () => {
  const importOf = (id: string, bought?: string) =>
    world.run(world.importSubscriptions, {
      customer: stripeCustomerIdSchema.parse(id),
      ...(bought !== undefined && { subscription: stripeSubscriptionIdSchema.parse(bought) }),
    });

  test('the subscription wins over the initial count', async () => {
    const made = await customer();
    const bought = await subscription(made.id, [{ price: pro.id, quantity: 12 }]);
    const { tenant } = await rows.tenantWithCustomer({
      stripe_customer_id: made.id,
      initial_license_count: 99,
    });
    expect(await importOf(made.id, bought.id)).toEqual({
      licensed_user_count: 12,
      subscription_ids: [bought.id],
    });
    expect(await rows.tenantRow(tenant)).toMatchObject({ licensed_user_count: 12 });
  });

  test('another customer’s subscription, and one that Stripe does not know, are refused by name', async () => {
    const { customer: id } = await buyer();
    const other = await buyer();
    await expect(importOf(id, other.bought.id)).rejects.toMatchObject({
      name: 'SubscriptionOfAnotherCustomer',
    });
    await expect(importOf(id, 'sub_unknown')).rejects.toMatchObject({ name: 'SubscriptionNotFound' });
    await expect(importOf(newId('cus'))).rejects.toMatchObject({ name: 'CustomerNotFound' });
  });
});
