import type { System } from '../system.ts';

/** A row that names everything by Stripe's ids and counts time as Stripe does. */
type Row = { id: string };
export type Projection = Record<
  'tenants' | 'customers' | 'subscriptions' | 'items' | 'products' | 'prices',
  Row[]
> & { invoices: (Row & { customer: string })[] };

const QUERIES: Record<keyof Projection, string> = {
  tenants: `select tenant as id, licensed_user_count as licenses, access_state as access from tenants
    where provisioning_key is not null`,
  customers: 'select stripe_customer_external_id as id, tenant, name, email from stripe_customers',
  subscriptions: `select s.stripe_subscription_external_id as id, c.stripe_customer_external_id as customer, s.tenant,
      s.stripe_subscription_item_id as item, p.stripe_price_external_id as price, s.status, s.quantity,
      extract(epoch from s.current_period_start)::int as current_period_start,
      extract(epoch from s.current_period_end)::int as current_period_end,
      extract(epoch from s.cancel_at)::int as cancel_at, s.cancel_at_period_end,
      extract(epoch from s.canceled_at)::int as canceled_at, s.metadata,
      extract(epoch from s.stripe_created_at)::int as created
    from stripe_subscriptions s join stripe_customers c using (tenant, stripe_customer_id)
      left join stripe_prices p using (stripe_price_id)`,
  items: `select i.stripe_subscription_item_external_id as id, i.tenant,
      s.stripe_subscription_external_id as subscription, p.stripe_price_external_id as price, i.quantity,
      extract(epoch from i.current_period_start)::int as current_period_start,
      extract(epoch from i.current_period_end)::int as current_period_end
    from stripe_subscription_items i join stripe_subscriptions s using (tenant, stripe_subscription_id)
      join stripe_prices p on p.stripe_price_id = i.stripe_price_id`,
  products: `select stripe_product_external_id as id, name, description, product_type as type, is_active as active,
      metadata from stripe_products`,
  prices: `select r.stripe_price_external_id as id, d.stripe_product_external_id as product,
      r.unit_amount::int as unit_amount, r.currency, r.recurring_interval as interval,
      r.recurring_interval_count as interval_count, r.is_active as active, r.metadata
    from stripe_prices r join stripe_products d using (billing_tenant, stripe_product_id)`,
  invoices: `select i.stripe_invoice_external_id as id, c.stripe_customer_external_id as customer, i.tenant,
      s.stripe_subscription_external_id as subscription, i.status, i.currency, i.amount_due::int as amount_due,
      i.amount_paid::int as amount_paid, i.amount_remaining::int as amount_remaining, i.attempt_count,
      extract(epoch from i.next_payment_attempt)::int as next_payment_attempt,
      extract(epoch from i.due_date)::int as due_date, i.hosted_invoice_url
    from stripe_invoices i join stripe_customers c using (tenant, stripe_customer_id)
      left join stripe_subscriptions s on s.tenant = i.tenant and s.stripe_subscription_id = i.stripe_subscription_id`,
};

/** What the database holds of Stripe, each table sorted by id. */
export async function projection({ query }: System): Promise<Projection> {
  const rows = async (table: keyof Projection) => (await query<Row>(QUERIES[table])).sort(byId);
  return {
    tenants: await rows('tenants'),
    customers: await rows('customers'),
    subscriptions: await rows('subscriptions'),
    items: await rows('items'),
    products: await rows('products'),
    prices: await rows('prices'),
    invoices: (await query<Projection['invoices'][number]>(QUERIES.invoices)).sort(byId),
  };
}

export function byId(one: Row, other: Row): number {
  return one.id < other.id ? -1 : 1;
}
