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
import {
  DRIFT_KINDS,
  DRIFT_REPAIRS,
  type DriftKind,
  type DriftRepair,
  LISTED_KINDS,
  type ListedKind,
} from '../domain/billing-drift.ts';
import { IMPORT_OUTCOMES, type ImportOutcome, type ImportReason } from '../domain/customer-match.ts';
import {
  CASE_ACCESS,
  type CaseAccess,
  DUNNING_EVENT_KINDS,
  DUNNING_OUTCOMES,
  type DunningEventKind,
  type DunningOutcome,
} from '../domain/dunning.ts';
import { DUNNING_STATES, type DunningState } from '../domain/dunning-policy.ts';
import { WAKE_GRACE_MS } from '../domain/event-attempts.ts';
import {
  COLLECTION_METHODS,
  type CollectionMethod,
  INVOICE_STATUSES,
  type InvoiceStatus,
} from '../domain/invoice.ts';
import { NOTIFICATION_STATUSES, type NotificationStatus } from '../domain/notification.ts';
import { SUBSCRIPTION_STATUSES, type SubscriptionStatus } from '../domain/subscription.ts';
import {
  EVENT_SOURCES,
  type EventSource,
  WEBHOOK_EVENT_STATUSES,
  type WebhookEventStatus,
} from '../domain/webhook-event.ts';

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
    /** IANA name; null: the dunning policy's. Quiet hours and dates are the tenant's own. */
    timeZone: text('time_zone'),
    /** BCP 47, such as `de-AT`; null: English. Of mails. */
    locale: text('locale'),
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
    // Metrics look whether anybody is locked out who owes nothing.
    // Import finds tenants by e-mail.
    index('tenants_email').on(sql`lower(${t.email})`),
    index('tenants_withheld').on(t.tenant).where(sql`${t.accessState} in ('restricted', 'suspended')`),
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
    /** Stripe's reason; null when it was not canceled, or none is given. */
    cancellationReason: text('cancellation_reason'),
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
 * The projection of invoices: every one that was finalized, as far as billing sync has seen it. What dunning goes by.
 */
export const stripeInvoices = pgTable(
  'stripe_invoices',
  {
    tenant: uuid('tenant').notNull(),
    stripeInvoiceId: uuid('stripe_invoice_id').notNull().defaultRandom(),
    stripeInvoiceExternalId: text('stripe_invoice_external_id').notNull(),
    stripeCustomerId: uuid('stripe_customer_id').notNull(),
    /** null for an invoice that was made by hand. */
    stripeSubscriptionId: uuid('stripe_subscription_id'),
    number: text('number'),
    status: text('status').$type<InvoiceStatus>().notNull(),
    billingReason: text('billing_reason'),
    collectionMethod: text('collection_method').$type<CollectionMethod>().notNull(),
    currency: text('currency').notNull(),
    /** Minor units of `currency`, as the others. */
    amountDue: bigint('amount_due', { mode: 'number' }).notNull(),
    amountPaid: bigint('amount_paid', { mode: 'number' }).notNull(),
    amountRemaining: bigint('amount_remaining', { mode: 'number' }).notNull(),
    attemptCount: integer('attempt_count').notNull(),
    nextPaymentAttempt: instant('next_payment_attempt'),
    dueDate: instant('due_date'),
    hostedInvoiceUrl: text('hosted_invoice_url'),
    /** Of the last attempt that failed. */
    lastDeclineCode: text('last_decline_code'),
    /** A payment is on its way and has not failed. */
    isPaymentProcessing: boolean('is_payment_processing').notNull().default(false),
    /** The anchor of dunning; null when the invoice doesn't count as unpaid. */
    unpaidSince: instant('unpaid_since'),
    stripeCreatedAt: instant('stripe_created_at').notNull(),
    finalizedAt: instant('finalized_at'),
    createdAt: createdAt(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.tenant, t.stripeInvoiceId] }),
    foreignKey({
      name: 'stripe_invoices_customer_fk',
      columns: [t.tenant, t.stripeCustomerId],
      foreignColumns: [stripeCustomers.tenant, stripeCustomers.stripeCustomerId],
    }),
    foreignKey({
      name: 'stripe_invoices_subscription_fk',
      columns: [t.tenant, t.stripeSubscriptionId],
      foreignColumns: [stripeSubscriptions.tenant, stripeSubscriptions.stripeSubscriptionId],
    }),
    unique('stripe_invoices_external_id_unique').on(t.stripeInvoiceExternalId),
    // Which of a customer's invoices may still change.
    index('stripe_invoices_open').on(t.tenant, t.stripeCustomerId).where(sql`${t.status} = 'open'`),
    // What is owed for a subscription.
    index('stripe_invoices_unpaid')
      .on(t.tenant, t.stripeSubscriptionId)
      .where(sql`${t.unpaidSince} is not null`),
    check('stripe_invoices_status_known', oneOf('status', INVOICE_STATUSES)),
    check('stripe_invoices_collection_method_known', oneOf('collection_method', COLLECTION_METHODS)),
    check('stripe_invoices_currency_is_iso', sql`${t.currency} ~ '^[a-z]{3}$'`),
    check('stripe_invoices_unpaid_is_open', sql`${t.unpaidSince} is null or ${t.status} = 'open'`),
  ],
);

/** Dunning policies that cases began with, exactly as they were read; a case keeps its own through every change. */
export const dunningPolicies = pgTable(
  'dunning_policies',
  {
    dunningPolicyId: uuid('dunning_policy_id').primaryKey().defaultRandom(),
    version: text('version').notNull(),
    /** SHA-256 of the source in hex: a file that was changed without a new version is another policy all the same. */
    digest: text('digest').notNull(),
    source: jsonb('source').$type<unknown>().notNull(),
    createdAt: createdAt(),
  },
  (t) => [unique('dunning_policies_digest_unique').on(t.digest)],
);

/** An unpaid subscription that is followed. Billing sync opens it, its workflow does the rest. */
export const dunningCases = pgTable(
  'dunning_cases',
  {
    tenant: uuid('tenant').notNull(),
    dunningCaseId: uuid('dunning_case_id').notNull().defaultRandom(),
    stripeSubscriptionId: uuid('stripe_subscription_id').notNull(),
    stripeSubscriptionExternalId: text('stripe_subscription_external_id').notNull(),
    dunningPolicyId: uuid('dunning_policy_id')
      .notNull()
      .references(() => dunningPolicies.dunningPolicyId),
    state: text('state').$type<DunningState>().notNull().default('retrying'),
    /** The stage that was entered last, of the invoice that the case follows. */
    stage: text('stage'),
    /** What the case makes of the tenant's access. */
    access: text('access').$type<CaseAccess>().notNull().default('active'),
    /** The invoice that the case follows, by Stripe's id; null before the first look. */
    anchorInvoice: text('anchor_invoice'),
    pausedUntil: instant('paused_until'),
    extendedDays: integer('extended_days').notNull().default(0),
    skippedStages: text('skipped_stages').array().notNull().default([]),
    excludedInvoices: text('excluded_invoices').array().notNull().default([]),
    writeOffRequestedAt: instant('write_off_requested_at'),
    /** An operator has to find an address. */
    isUnreachable: boolean('is_unreachable').notNull().default(false),
    /** What the case went by at its last look; billing sync wakes its workflow when that differs. */
    facts: text('facts').notNull().default(''),
    /** The sweep wakes the case's workflow from then on: it was not woken, or did not wake by itself. */
    attentionDueAt: instant('attention_due_at').notNull(),
    outcome: text('outcome').$type<DunningOutcome>(),
    /** Invoices that were unpaid when the case was closed: they open no other one. */
    leftInvoices: text('left_invoices').array().notNull().default([]),
    openedAt: instant('opened_at').notNull(),
    closedAt: instant('closed_at'),
  },
  (t) => [
    primaryKey({ columns: [t.tenant, t.dunningCaseId] }),
    foreignKey({
      name: 'dunning_cases_subscription_fk',
      columns: [t.tenant, t.stripeSubscriptionId],
      foreignColumns: [stripeSubscriptions.tenant, stripeSubscriptions.stripeSubscriptionId],
    }),
    // One subscription, one case; also by whom a workflow finds its own.
    uniqueIndex('dunning_cases_one_open_per_subscription')
      .on(t.stripeSubscriptionExternalId)
      .where(sql`${t.closedAt} is null`),
    // What opening a case and a tenant's access look at.
    index('dunning_cases_subscription').on(t.tenant, t.stripeSubscriptionId),
    index('dunning_cases_attention').on(t.attentionDueAt).where(sql`${t.closedAt} is null`),
    check('dunning_cases_state_known', oneOf('state', DUNNING_STATES)),
    check('dunning_cases_access_known', oneOf('access', CASE_ACCESS)),
    check('dunning_cases_outcome_known', oneOf('outcome', DUNNING_OUTCOMES)),
    check('dunning_cases_closed_with_outcome', sql`(${t.closedAt} is null) = (${t.outcome} is null)`),
  ],
);

/** A stage that a case entered for an invoice: once, whatever is repeated. */
export const dunningSteps = pgTable(
  'dunning_steps',
  {
    tenant: uuid('tenant').notNull(),
    dunningCaseId: uuid('dunning_case_id').notNull(),
    anchorInvoice: text('anchor_invoice').notNull(),
    stage: text('stage').notNull(),
    notificationId: uuid('notification_id'),
    isApplied: boolean('is_applied').notNull(),
    enteredAt: instant('entered_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenant, t.dunningCaseId, t.anchorInvoice, t.stage] }),
    foreignKey({
      name: 'dunning_steps_case_fk',
      columns: [t.tenant, t.dunningCaseId],
      foreignColumns: [dunningCases.tenant, dunningCases.dunningCaseId],
    }),
    foreignKey({
      name: 'dunning_steps_notification_fk',
      columns: [t.tenant, t.notificationId],
      foreignColumns: [notifications.tenant, notifications.notificationId],
    }),
  ],
);

/** All that happened to a case: transitions, notices, effects, operators' commands. Append-only: a trigger refuses changes. */
export const dunningEvents = pgTable(
  'dunning_events',
  {
    tenant: uuid('tenant').notNull(),
    dunningEventId: uuid('dunning_event_id').notNull().defaultRandom(),
    dunningCaseId: uuid('dunning_case_id').notNull(),
    /** In the order in which they were written. */
    position: bigint('position', { mode: 'number' }).notNull().generatedAlwaysAsIdentity(),
    kind: text('kind').$type<DunningEventKind>().notNull(),
    stage: text('stage'),
    state: text('state').$type<DunningState>(),
    access: text('access').$type<CaseAccess>(),
    invoice: text('invoice'),
    actor: text('actor'),
    reason: text('reason'),
    detail: jsonb('detail').$type<Record<string, unknown>>().notNull().default({}),
    /** Equal on every retry of the same command, so that it is recorded once. */
    commandKey: text('command_key'),
    occurredAt: instant('occurred_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenant, t.dunningEventId] }),
    foreignKey({
      name: 'dunning_events_case_fk',
      columns: [t.tenant, t.dunningCaseId],
      foreignColumns: [dunningCases.tenant, dunningCases.dunningCaseId],
    }),
    unique('dunning_events_command_key_unique').on(t.commandKey),
    index('dunning_events_case').on(t.tenant, t.dunningCaseId, t.position),
    check('dunning_events_kind_known', oneOf('kind', DUNNING_EVENT_KINDS)),
    check(
      'dunning_events_command_has_actor',
      sql`${t.kind} <> 'command' or (${t.actor} is not null and ${t.reason} is not null and ${t.commandKey} is not null)`,
    ),
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
    /** How it came in: Stripe's delivery, or reconcile, which found that it was missing. */
    source: text('source').$type<EventSource>().notNull().default('webhook'),
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
    check('stripe_webhook_events_source_known', oneOf('source', EVENT_SOURCES)),
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
    // What operators have to look at.
    index('stripe_webhook_events_failed').on(t.createdAt).where(sql`${t.status} = 'failed'`),
    // Operators page through all of them, newest first; a row goes to the index's end, so it costs next to nothing.
    index('stripe_webhook_events_newest').on(t.createdAt, t.webhookEventId),
    // The last events of a customer, settled or not.
    index('stripe_webhook_events_of_subject').on(t.subject, t.createdAt).where(sql`${t.subject} is not null`),
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
    locale: text('locale').notNull().default('en'),
    /** What the mail's template is filled with; nothing secret. */
    payload: jsonb('payload').$type<Record<string, unknown>>().notNull().default({}),
    /** The case that decided it; it is sent by that case's workflow, which looks at the invoice before. */
    dunningCaseId: uuid('dunning_case_id'),
    status: text('status').$type<NotificationStatus>().notNull().default('queued'),
    attempts: integer('attempts').notNull().default(0),
    lastError: text('last_error'),
    /** Not sent before then: the mail server was away. */
    nextAttemptAt: instant('next_attempt_at'),
    messageId: text('message_id'),
    createdAt: createdAt(),
    sentAt: instant('sent_at'),
  },
  (t) => [
    primaryKey({ columns: [t.tenant, t.notificationId] }),
    unique('notifications_dedupe_key_unique').on(t.dedupeKey),
    // What the sweep has to send.
    index('notifications_queued').on(t.createdAt).where(sql`${t.status} = 'queued'`),
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

/**
 * What a listing of all of Stripe's objects of a kind found: what import applies, and against what its proof and reconcile
 * hold ours. One listing belongs to one run and is removed when that is over.
 */
export const stripeListings = pgTable(
  'stripe_listings',
  {
    /** The id of the run (the first of its chain) that lists. */
    listing: text('listing').notNull(),
    kind: text('kind').$type<ListedKind>().notNull(),
    /** Stripe's. */
    objectExternalId: text('object_external_id').notNull(),
    stripeCustomerExternalId: text('stripe_customer_external_id').notNull(),
    status: text('status').notNull(),
    /** The object as it was read; null where only its being listed counts. */
    body: json('body').$type<unknown>(),
    /** By the database's clock, before Stripe was asked: whoever wrote later knows more. */
    fetchedAt: instant('fetched_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.listing, t.kind, t.objectExternalId] }),
    index('stripe_listings_customer').on(t.listing, t.stripeCustomerExternalId),
    check('stripe_listings_kind_known', oneOf('kind', LISTED_KINDS)),
  ],
);

/** An import's plan: what becomes of each of Stripe's customers that has a subscription, and why. */
export const importedCustomers = pgTable(
  'imported_customers',
  {
    /** The listing it was made from. */
    listing: text('listing').notNull(),
    stripeCustomerExternalId: text('stripe_customer_external_id').notNull(),
    email: text('email'),
    name: text('name'),
    isDeleted: boolean('is_deleted').notNull(),
    livemode: boolean('livemode').notNull(),
    /** Has one of its subscriptions that is live a licence? */
    hasLiveLicense: boolean('has_live_license').notNull(),
    /** Of the customer and its subscriptions: `metadata.tenant_id`, as it stands there. */
    namedTenants: text('named_tenants').array().notNull().default([]),
    /** Does the customer's own metadata name its tenant already? */
    taggedTenant: text('tagged_tenant'),
    /** null until it was judged. */
    outcome: text('outcome').$type<ImportOutcome>(),
    reason: text('reason').$type<ImportReason>(),
    tenant: uuid('tenant'),
    /** Tenants that it could be. */
    candidates: uuid('candidates').array().notNull().default([]),
    /** What the outcome asks for is done. */
    appliedAt: instant('applied_at'),
    /** Were rows of the product written for it, or did they agree already? */
    isWritten: boolean('is_written').notNull().default(false),
    taggedAt: instant('tagged_at'),
  },
  (t) => [
    primaryKey({ columns: [t.listing, t.stripeCustomerExternalId] }),
    index('imported_customers_email').on(t.listing, sql`lower(${t.email})`),
    // What is left to do, in order.
    index('imported_customers_unjudged')
      .on(t.listing, t.stripeCustomerExternalId)
      .where(sql`${t.outcome} is null`),
    index('imported_customers_unapplied')
      .on(t.listing, t.outcome, t.stripeCustomerExternalId)
      .where(sql`${t.appliedAt} is null`),
    check('imported_customers_outcome_known', oneOf('outcome', IMPORT_OUTCOMES)),
  ],
);

/** Where ours and Stripe's differed: found by reconcile, and how it was mended. */
export const billingDrift = pgTable(
  'billing_drift',
  {
    driftId: uuid('drift_id').primaryKey().defaultRandom(),
    tenant: uuid('tenant').references(() => tenants.tenant),
    kind: text('kind').$type<DriftKind>().notNull(),
    /** Stripe's id of what differs; a tenant's where the difference is its own. */
    subject: text('subject').notNull(),
    /** Whose sync brings it in line; null of products. */
    stripeCustomerExternalId: text('stripe_customer_external_id'),
    /** Which of its fields; `existence` when one side doesn't have it at all. */
    field: text('field').notNull(),
    ours: jsonb('ours').$type<unknown>(),
    theirs: jsonb('theirs').$type<unknown>(),
    foundBy: text('found_by').notNull(),
    lastSeenBy: text('last_seen_by').notNull(),
    detectedAt: instant('detected_at').notNull().defaultNow(),
    lastSeenAt: instant('last_seen_at').notNull().defaultNow(),
    /** null: it stands. */
    repairedAt: instant('repaired_at'),
    repair: text('repair').$type<DriftRepair>(),
  },
  (t) => [
    // One difference is one row for as long as it stands.
    uniqueIndex('billing_drift_open').on(t.subject, t.field).where(sql`${t.repairedAt} is null`),
    index('billing_drift_last_seen_by').on(t.lastSeenBy),
    check('billing_drift_repair_known', oneOf('repair', DRIFT_REPAIRS)),
    check('billing_drift_kind_known', oneOf('kind', DRIFT_KINDS)),
    check('billing_drift_repair_named', sql`(${t.repairedAt} is null) = (${t.repair} is null)`),
  ],
);

/** How far reconcile has read a list of Stripe's. */
export const reconcileCursors = pgTable('reconcile_cursors', {
  name: text('name').primaryKey(),
  /** Everything that Stripe made before was looked at. */
  readUntil: instant('read_until').notNull(),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});
