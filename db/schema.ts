import { type SQL, sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  customType,
  foreignKey,
  index,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { ACCESS_STATES, type AccessState } from '../domain/access-state.ts';
import { WAKE_GRACE_MS } from '../domain/event-attempts.ts';
import { NOTIFICATION_STATUSES, type NotificationStatus } from '../domain/notification.ts';
import { SUBSCRIPTION_STATUSES, type SubscriptionStatus } from '../domain/subscription.ts';
import { WEBHOOK_EVENT_STATUSES, type WebhookEventStatus } from '../domain/webhook-event.ts';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date', precision: 3 });
const createdAt = () => instant('created_at').notNull().defaultNow();
const metadata = () => jsonb('metadata').$type<Record<string, string>>().notNull().default({});
const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
/** The payload's text is written and read as it is: driver and drizzle must neither parse nor print it. */
const jsonText = customType<{ data: string }>({ dataType: () => 'json' });

/** A CHECK that repeats a closed list of the domain. The values are constants of ours, so they may stand in the SQL. */
const oneOf = (column: string, values: readonly string[]): SQL =>
  sql.raw(`"${column}" in (${values.map((value) => `'${value}'`).join(', ')})`);

/** One row per customer organisation; what the product reads. */
export const tenants = pgTable(
  'tenants',
  {
    tenant: uuid('tenant').primaryKey().defaultRandom(),
    clientName: text('client_name').notNull(),
    email: text('email').notNull(),
    plan: text('plan'),
    /** null: not licensed by Stripe. 0: licensed by Stripe, nothing left. */
    licensedUserCount: integer('licensed_user_count'),
    lastLicenseUpdate: instant('last_license_update'),
    accessState: text('access_state').$type<AccessState>().notNull().default('active'),
    suspendedAt: instant('suspended_at'),
    suspendedReason: text('suspended_reason'),
    /** The id of the workflow that made the row, so that its retry and its second run find it. */
    provisioningKey: text('provisioning_key'),
    createdAt: createdAt(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (t) => [
    unique('tenants_provisioning_key_unique').on(t.provisioningKey),
    check('tenants_licensed_user_count_not_negative', sql`${t.licensedUserCount} >= 0`),
    check('tenants_access_state_known', oneOf('access_state', ACCESS_STATES)),
  ],
);

/** Connected Stripe accounts of tenants. */
export const stripeAccounts = pgTable(
  'stripe_accounts',
  {
    tenant: uuid('tenant')
      .notNull()
      .references(() => tenants.tenant),
    stripeAccountId: uuid('stripe_account_id').notNull().defaultRandom(),
    stripeAccountExternalId: text('stripe_account_external_id').notNull(),
    metadata: metadata(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.tenant, t.stripeAccountId] }),
    unique('stripe_accounts_external_id_unique').on(t.stripeAccountExternalId),
  ],
);

/** Which tenant a Stripe customer belongs to. A tenant may have several customers. */
export const stripeCustomers = pgTable(
  'stripe_customers',
  {
    tenant: uuid('tenant')
      .notNull()
      .references(() => tenants.tenant),
    stripeCustomerId: uuid('stripe_customer_id').notNull().defaultRandom(),
    stripeCustomerExternalId: text('stripe_customer_external_id').notNull(),
    billingTenant: uuid('billing_tenant')
      .notNull()
      .references(() => tenants.tenant),
    email: text('email'),
    name: text('name'),
    metadata: metadata(),
    /** The fence of billing sync: read before Stripe is asked, compared and raised when the answer is written. */
    syncVersion: bigint('sync_version', { mode: 'number' }).notNull().default(0),
    syncedAt: instant('synced_at'),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.tenant, t.stripeCustomerId] }),
    unique('stripe_customers_external_id_unique').on(t.stripeCustomerExternalId),
  ],
);

export const PRODUCT_TYPES = ['license', 'service', 'addon'] as const;
export type ProductType = (typeof PRODUCT_TYPES)[number];

/** Owned by the billing tenant, the organisation that sells. */
export const stripeProducts = pgTable(
  'stripe_products',
  {
    billingTenant: uuid('billing_tenant')
      .notNull()
      .references(() => tenants.tenant),
    stripeProductId: uuid('stripe_product_id').notNull().defaultRandom(),
    stripeProductExternalId: text('stripe_product_external_id').notNull(),
    name: text('name').notNull(),
    description: text('description'),
    productType: text('product_type').$type<ProductType>().notNull(),
    isActive: boolean('is_active').notNull(),
    metadata: metadata(),
    /** The fence of product sync, like `stripe_customers.sync_version`. */
    syncVersion: bigint('sync_version', { mode: 'number' }).notNull().default(0),
    createdAt: createdAt(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.billingTenant, t.stripeProductId] }),
    unique('stripe_products_external_id_unique').on(t.stripeProductExternalId),
    check('stripe_products_product_type_known', oneOf('product_type', PRODUCT_TYPES)),
  ],
);

export const stripePrices = pgTable(
  'stripe_prices',
  {
    billingTenant: uuid('billing_tenant').notNull(),
    stripePriceId: uuid('stripe_price_id').notNull().defaultRandom(),
    stripePriceExternalId: text('stripe_price_external_id').notNull(),
    stripeProductId: uuid('stripe_product_id').notNull(),
    /** Minor units of `currency`; null when Stripe's is. */
    unitAmount: bigint('unit_amount', { mode: 'number' }),
    currency: text('currency').notNull(),
    recurringInterval: text('recurring_interval'),
    recurringIntervalCount: integer('recurring_interval_count'),
    isActive: boolean('is_active').notNull(),
    metadata: metadata(),
    createdAt: createdAt(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.billingTenant, t.stripePriceId] }),
    foreignKey({
      name: 'stripe_prices_product_fk',
      columns: [t.billingTenant, t.stripeProductId],
      foreignColumns: [stripeProducts.billingTenant, stripeProducts.stripeProductId],
    }),
    unique('stripe_prices_external_id_unique').on(t.stripePriceExternalId),
    // Subscriptions belong to another tenant than prices, so they refer to the price by its own id alone.
    unique('stripe_prices_own_id_unique').on(t.stripePriceId),
    check('stripe_prices_currency_is_iso', sql`${t.currency} ~ '^[a-z]{3}$'`),
  ],
);

/** The projection: every subscription of every known customer, whatever its status. */
export const stripeSubscriptions = pgTable(
  'stripe_subscriptions',
  {
    tenant: uuid('tenant').notNull(),
    stripeSubscriptionId: uuid('stripe_subscription_id').notNull().defaultRandom(),
    stripeSubscriptionExternalId: text('stripe_subscription_external_id').notNull(),
    /** Stripe's `si_…` of the first item that is counted; null when none has a quantity. */
    stripeSubscriptionItemId: text('stripe_subscription_item_id'),
    stripeCustomerId: uuid('stripe_customer_id').notNull(),
    stripePriceId: uuid('stripe_price_id').references(() => stripePrices.stripePriceId),
    status: text('status').$type<SubscriptionStatus>().notNull(),
    quantity: integer('quantity'),
    currentPeriodStart: instant('current_period_start'),
    currentPeriodEnd: instant('current_period_end'),
    cancelAt: instant('cancel_at'),
    cancelAtPeriodEnd: boolean('cancel_at_period_end').notNull(),
    canceledAt: instant('canceled_at'),
    metadata: metadata(),
    /** Stripe's `created`; with the id it decides which subscription is the newest. */
    stripeCreatedAt: instant('stripe_created_at').notNull(),
    createdAt: createdAt(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.tenant, t.stripeSubscriptionId] }),
    foreignKey({
      name: 'stripe_subscriptions_customer_fk',
      columns: [t.tenant, t.stripeCustomerId],
      foreignColumns: [stripeCustomers.tenant, stripeCustomers.stripeCustomerId],
    }),
    unique('stripe_subscriptions_external_id_unique').on(t.stripeSubscriptionExternalId),
    index('stripe_subscriptions_customer').on(t.tenant, t.stripeCustomerId),
    check('stripe_subscriptions_status_known', oneOf('status', SUBSCRIPTION_STATUSES)),
    check('stripe_subscriptions_quantity_not_negative', sql`${t.quantity} >= 0`),
  ],
);

export const stripeSubscriptionItems = pgTable(
  'stripe_subscription_items',
  {
    tenant: uuid('tenant').notNull(),
    stripeSubscriptionItemId: uuid('stripe_subscription_item_id').notNull().defaultRandom(),
    stripeSubscriptionItemExternalId: text('stripe_subscription_item_external_id').notNull(),
    stripeSubscriptionId: uuid('stripe_subscription_id').notNull(),
    stripePriceId: uuid('stripe_price_id')
      .notNull()
      .references(() => stripePrices.stripePriceId),
    quantity: integer('quantity'),
    currentPeriodStart: instant('current_period_start').notNull(),
    currentPeriodEnd: instant('current_period_end').notNull(),
    stripeCreatedAt: instant('stripe_created_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenant, t.stripeSubscriptionItemId] }),
    foreignKey({
      name: 'stripe_subscription_items_subscription_fk',
      columns: [t.tenant, t.stripeSubscriptionId],
      foreignColumns: [stripeSubscriptions.tenant, stripeSubscriptions.stripeSubscriptionId],
    }).onDelete('cascade'),
    unique('stripe_subscription_items_external_id_unique').on(t.stripeSubscriptionItemExternalId),
    index('stripe_subscription_items_subscription').on(t.tenant, t.stripeSubscriptionId),
    check('stripe_subscription_items_quantity_not_negative', sql`${t.quantity} >= 0`),
  ],
);

/**
 * The inbox: every event that was acknowledged. `received` rows have work to do, the others are final until an
 * operator or a tenant's appearance makes them `received` again. Facts for queries stand in columns; the payload is
 * `json`, the signed text exactly, never read for facts.
 */
export const stripeWebhookEvents = pgTable(
  'stripe_webhook_events',
  {
    webhookEventId: uuid('webhook_event_id').primaryKey().defaultRandom(),
    /** null until the customer is known. */
    tenant: uuid('tenant').references(() => tenants.tenant),
    stripeEventId: text('stripe_event_id').notNull(),
    eventType: text('event_type').notNull(),
    stripeAccount: text('stripe_account'),
    subject: text('subject'),
    objectId: text('object_id'),
    livemode: boolean('livemode'),
    apiVersion: text('api_version'),
    payload: jsonText('payload').notNull(),
    status: text('status').$type<WebhookEventStatus>().notNull(),
    statusReason: text('status_reason'),
    attempts: integer('attempts').notNull().default(0),
    lastError: text('last_error'),
    lastErrorAt: instant('last_error_at'),
    /** The sweep takes a `received` row from then on; of other rows it means nothing. */
    nextAttemptAt: instant('next_attempt_at')
      .notNull()
      .default(sql.raw(`now() + interval '${WAKE_GRACE_MS / 1000} seconds'`)),
    eventCreatedAt: instant('event_created_at'),
    createdAt: createdAt(),
    processedAt: instant('processed_at'),
  },
  (t) => [
    unique('stripe_webhook_events_stripe_event_id_unique').on(t.stripeEventId),
    check('stripe_webhook_events_status_known', oneOf('status', WEBHOOK_EVENT_STATUSES)),
    check(
      'stripe_webhook_events_reason_where_needed',
      sql`(${t.status} in ('ignored', 'parked', 'failed')) = (${t.statusReason} is not null)`,
    ),
    check(
      'stripe_webhook_events_received_has_subject',
      sql`${t.status} <> 'received' or ${t.subject} is not null`,
    ),
    // Billing sync notes a subject's pending rows.
    index('stripe_webhook_events_pending').on(t.subject).where(sql`${t.status} = 'received'`),
    // The sweep finds what is due.
    index('stripe_webhook_events_due').on(t.nextAttemptAt, t.subject).where(sql`${t.status} = 'received'`),
    // A tenant's appearance claims what was parked for its customer.
    index('stripe_webhook_events_parked').on(t.subject).where(sql`${t.status} = 'parked'`),
  ],
);

/** The one-time link by which the first admin of a tenant comes in. Only the token's hash is kept. */
export const tenantInvitations = pgTable(
  'tenant_invitations',
  {
    tenant: uuid('tenant')
      .notNull()
      .references(() => tenants.tenant),
    invitationId: uuid('invitation_id').notNull().defaultRandom(),
    email: text('email').notNull(),
    /** SHA-256 of the token in the mail that was sent last; null until one was. */
    tokenHash: bytea('token_hash'),
    expiresAt: instant('expires_at'),
    acceptedAt: instant('accepted_at'),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.tenant, t.invitationId] }),
    unique('tenant_invitations_one_per_tenant').on(t.tenant),
    uniqueIndex('tenant_invitations_token_hash_unique').on(t.tokenHash),
    check('tenant_invitations_token_expires', sql`(${t.tokenHash} is null) = (${t.expiresAt} is null)`),
  ],
);

/** The outbox of all mails: a row is written in the transaction that decides the mail, and sent after it. */
export const notifications = pgTable(
  'notifications',
  {
    tenant: uuid('tenant')
      .notNull()
      .references(() => tenants.tenant),
    notificationId: uuid('notification_id').notNull().defaultRandom(),
    dedupeKey: text('dedupe_key').notNull(),
    kind: text('kind').notNull(),
    recipient: text('recipient').notNull(),
    status: text('status').$type<NotificationStatus>().notNull().default('queued'),
    attempts: integer('attempts').notNull().default(0),
    lastError: text('last_error'),
    messageId: text('message_id'),
    createdAt: createdAt(),
    sentAt: instant('sent_at'),
  },
  (t) => [
    primaryKey({ columns: [t.tenant, t.notificationId] }),
    unique('notifications_dedupe_key_unique').on(t.dedupeKey),
    check('notifications_status_known', oneOf('status', NOTIFICATION_STATUSES)),
  ],
);

/** Who changed what by hand, and why. Append-only: a trigger refuses changes. */
export const auditLog = pgTable(
  'audit_log',
  {
    auditId: uuid('audit_id').primaryKey().defaultRandom(),
    tenant: uuid('tenant').references(() => tenants.tenant),
    /** Equal on every retry of the same command, so that it is recorded once. */
    commandKey: text('command_key').notNull(),
    actor: text('actor').notNull(),
    action: text('action').notNull(),
    subject: text('subject').notNull(),
    reason: text('reason').notNull(),
    detail: json('detail').$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
  },
  (t) => [
    unique('audit_log_command_key_unique').on(t.commandKey),
    index('audit_log_tenant').on(t.tenant, t.createdAt),
  ],
);
