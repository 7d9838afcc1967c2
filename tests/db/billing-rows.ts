import { randomUUID } from 'node:crypto';
import { vi } from 'vitest';
import { readDunningPolicyFile } from '../../activities/dunning-policy-file.ts';
import { applySnapshot, type CustomerSnapshot } from '../../db/billing-projection.ts';
import { insertWebhookEvents } from '../../db/inbox.ts';
import { provisionTenant } from '../../db/tenants.ts';
import { createTenantInputSchema } from '../../domain/create-tenant-input.ts';
import { stripeCustomerIdSchema, stripeSubscriptionIdSchema } from '../../domain/ids.ts';
import type { Price, Product, Subscription, SubscriptionItem } from '../../domain/subscription.ts';
import type { RoutedEvent } from '../../domain/webhook-event.ts';
import { MASTER_BILLING_TENANT_ID, type TestDatabase } from '../database.ts';

/** A busy machine may take its time. */
const WAIT_MAX = { timeout: 40_000 };

/** A Stripe id that no other test has. */
export const newId = (prefix: string) => `${prefix}_${randomUUID().replaceAll('-', '')}`;

/** The built-in one. */
export const DUNNING_POLICY = readDunningPolicyFile();

/** Seconds since an arbitrary instant. */
export const at = (seconds: number) => new Date(1_700_000_000_000 + seconds * 1000);

export function price(overrides: Partial<Price> = {}): Price {
  return {
    id: newId('price'),
    productId: newId('prod'),
    active: true,
    currency: 'usd',
    unitAmountMinor: 1_000,
    recurring: { interval: 'month', intervalCount: 1 },
    metadata: {},
    ...overrides,
  };
}

export function product(overrides: Partial<Product> = {}): Product {
  return { id: newId('prod'), name: 'Pro', description: null, active: true, metadata: {}, ...overrides };
}

export function item(overrides: Partial<SubscriptionItem> = {}): SubscriptionItem {
  return {
    id: newId('si'),
    price: price(),
    quantity: 10,
    currentPeriodStart: at(0),
    currentPeriodEnd: at(2_592_000),
    createdAt: at(0),
    ...overrides,
  };
}

export function subscription(overrides: Partial<Subscription> = {}): Subscription {
  return {
    id: stripeSubscriptionIdSchema.parse(newId('sub')),
    customerId: stripeCustomerIdSchema.parse(newId('cus')),
    status: 'active',
    items: [item()],
    createdAt: at(0),
    cancelAt: null,
    cancelAtPeriodEnd: false,
    canceledAt: null,
    cancellationReason: null,
    trialEnd: null,
    metadata: {},
    ...overrides,
  };
}

export function snapshot(customer: string, overrides: Partial<CustomerSnapshot> = {}): CustomerSnapshot {
  return {
    customer,
    syncVersion: 0,
    subscriptions: [],
    products: [],
    invoices: null,
    contact: null,
    ...overrides,
  };
}

export function event(overrides: Partial<RoutedEvent> = {}): RoutedEvent {
  return {
    stripeEventId: newId('evt'),
    eventType: 'customer.subscription.updated',
    stripeAccount: null,
    subject: newId('cus'),
    objectId: null,
    livemode: false,
    apiVersion: null,
    eventCreatedAt: null,
    status: 'received',
    statusReason: null,
    ...overrides,
  };
}

export const purchase = (overrides: object = {}) =>
  createTenantInputSchema.parse({
    email: 'ada@example.com',
    client_name: 'Lovelace Ltd',
    stripe_customer_id: newId('cus'),
    ...overrides,
  });

/** What tests put into their database and read back. */
export function billingRows({ database, pool }: Pick<TestDatabase, 'database' | 'pool'>) {
  const first = async <Row>(text: string, values: unknown[]): Promise<Row | undefined> =>
    (await pool.query(text, values)).rows[0];
  return {
    /** Puts events into the inbox, with the signed text of nothing. @returns their ids */
    async receive(...events: RoutedEvent[]): Promise<string[]> {
      await insertWebhookEvents(
        pool,
        events.map((one) => ({ ...one, payload: '{}' })),
      );
      return events.map((one) => one.stripeEventId);
    },
    /** A tenant with one customer. */
    async tenantWithCustomer(overrides: object = {}) {
      const made = purchase(overrides);
      const provisioned = await provisionTenant(database, {
        provisioningKey: `create-tenant-${newId('key')}`,
        purchase: made,
        billingTenant: MASTER_BILLING_TENANT_ID,
        now: at(0),
      });
      return { ...provisioned, customer: stripeCustomerIdSchema.parse(made.stripe_customer_id) };
    },
    /** A tenant with one customer, which has one subscription. */
    async tenantWithSubscription() {
      const owner = await this.tenantWithCustomer();
      const bought = subscription({ customerId: owner.customer });
      await applySnapshot(database, {
        snapshot: snapshot(owner.customer, { subscriptions: [bought] }),
        verdicts: [],
        licensePrices: 'any',
        billingTenant: MASTER_BILLING_TENANT_ID,
        dunningPolicy: DUNNING_POLICY,
        now: at(0),
      });
      return { ...owner, subscription: bought.id, price: bought.items[0]?.price ?? price() };
    },
    /** Makes events as old as if they had come, and failed for the last time, earlier. */
    async age(ids: string[], interval: string): Promise<void> {
      await pool.query(
        `update stripe_webhook_events set created_at = created_at - $2::interval,
           last_error_at = last_error_at - $2::interval, next_attempt_at = next_attempt_at - $2::interval
         where stripe_event_id = any($1)`,
        [ids, interval],
      );
    },
    /** When the sweep takes an event, from now on; negative when it is due. */
    async dueInSeconds(id: string): Promise<number | undefined> {
      const row = await first<{ seconds: number }>(
        `select extract(epoch from next_attempt_at - now())::float8 as seconds from stripe_webhook_events
         where stripe_event_id = $1`,
        [id],
      );
      return row?.seconds;
    },
    /** Another customer of a tenant. */
    async addCustomer(tenant: string): Promise<string> {
      const customer = newId('cus');
      await pool.query(
        'insert into stripe_customers (tenant, stripe_customer_external_id, billing_tenant) values ($1, $2, $3)',
        [tenant, customer, MASTER_BILLING_TENANT_ID],
      );
      return customer;
    },
    /** Resolves when a statement of another connection waits for a lock. */
    async someoneWaits(): Promise<void> {
      await vi.waitUntil(async () => {
        const { rowCount } = await pool.query(
          "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        );
        return rowCount !== 0;
      }, WAIT_MAX);
    },
    eventRow: (id: string) =>
      first<{
        status: string;
        status_reason: string | null;
        tenant: string | null;
        attempts: number;
        subject: string;
        last_error: string | null;
        processed_at: Date | null;
      }>(
        `select status, status_reason, tenant, attempts, subject, last_error, processed_at
         from stripe_webhook_events where stripe_event_id = $1`,
        [id],
      ),
    tenantRow: (tenant: string) =>
      first<{
        licensed_user_count: number | null;
        access_state: string;
        last_license_update: Date | null;
        email: string;
      }>(
        'select licensed_user_count, access_state, last_license_update, email from tenants where tenant = $1',
        [tenant],
      ),
    subscriptionRow: (id: string) =>
      first<{
        status: string;
        quantity: number | null;
        tenant: string;
        metadata: Record<string, string>;
        stripe_subscription_item_id: string | null;
      }>(
        'select status, quantity, tenant, metadata, stripe_subscription_item_id from stripe_subscriptions where stripe_subscription_external_id = $1',
        [id],
      ),
    async itemRows(subscriptionId: string): Promise<{ id: string; quantity: number | null }[]> {
      const { rows } = await pool.query(
        `select i.stripe_subscription_item_external_id as id, i.quantity from stripe_subscription_items i
         join stripe_subscriptions s using (tenant, stripe_subscription_id)
         where s.stripe_subscription_external_id = $1 order by 1`,
        [subscriptionId],
      );
      return rows;
    },
    priceRow: (id: string) =>
      first<{
        is_active: boolean;
        unit_amount: string | null;
        metadata: object;
        product: string;
        product_name: string;
        product_type: string;
        product_active: boolean;
      }>(
        `select p.is_active, p.unit_amount, p.metadata, d.stripe_product_external_id as product, d.name as product_name,
                d.product_type, d.is_active as product_active
         from stripe_prices p join stripe_products d using (stripe_product_id) where p.stripe_price_external_id = $1`,
        [id],
      ),
  };
}
