import { createHmac, randomUUID } from 'node:crypto';

export type SignedRequest = { method: string; body: string; headers: Record<string, string> };

/**
 * A request as Stripe would send it now, with a distinct event of about 1.5 KB: a subscription was updated.
 *
 * @param customer missing: a new one, whom nobody knows
 */
export function signedRequest(secret: string, customer?: string): SignedRequest {
  const body = newEvent(customer);
  const timestamp = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', 'stripe-signature': `t=${timestamp},v1=${signature}` },
  };
}

/** A subscription's update. */
function newEvent(customer?: string): string {
  const id = randomUUID().replaceAll('-', '').slice(0, 24);
  const now = Math.floor(Date.now() / 1000);
  return JSON.stringify({
    id: `evt_${id}`,
    object: 'event',
    api_version: '2026-10-28.endive',
    created: now,
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type: 'customer.subscription.updated',
    data: {
      object: {
        id: `sub_${id}`,
        object: 'subscription',
        application: null,
        billing_cycle_anchor: now,
        cancel_at: null,
        cancel_at_period_end: false,
        canceled_at: null,
        collection_method: 'charge_automatically',
        created: now,
        currency: 'usd',
        customer: customer ?? `cus_${id}`,
        default_payment_method: null,
        description: null,
        ended_at: null,
        items: {
          object: 'list',
          data: [
            {
              id: `si_${id}`,
              object: 'subscription_item',
              created: now,
              current_period_start: now,
              current_period_end: now + 2_592_000,
              metadata: {},
              price: { id: 'price_1', object: 'price', active: true, currency: 'usd', product: 'prod_1' },
              quantity: 7,
              subscription: `sub_${id}`,
            },
          ],
          has_more: false,
          url: `/v1/subscription_items?subscription=sub_${id}`,
        },
        latest_invoice: `in_${id}`,
        livemode: false,
        metadata: { source: 'benchmark', note: 'x'.repeat(300) },
        start_date: now,
        status: 'active',
        trial_end: null,
        trial_start: null,
      },
      previous_attributes: { items: { data: [{ quantity: 6 }] } },
    },
  });
}
