CREATE TABLE "audit_log" (
	"audit_id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"tenant" uuid,
	"command_key" text NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"subject" text NOT NULL,
	"reason" text NOT NULL,
	"detail" json DEFAULT '{}'::json NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "audit_log_command_key_unique" UNIQUE("command_key")
);
--> statement-breakpoint
CREATE TABLE "notifications" (
	"tenant" uuid NOT NULL,
	"notification_id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"dedupe_key" text NOT NULL,
	"kind" text NOT NULL,
	"recipient" text NOT NULL,
	"status" text DEFAULT 'queued' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"last_error" text,
	"message_id" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"sent_at" timestamp (3) with time zone,
	CONSTRAINT "notifications_tenant_notification_id_pk" PRIMARY KEY("tenant","notification_id"),
	CONSTRAINT "notifications_dedupe_key_unique" UNIQUE("dedupe_key"),
	CONSTRAINT "notifications_status_known" CHECK ("status" in ('queued', 'sent', 'failed', 'suppressed'))
);
--> statement-breakpoint
CREATE TABLE "stripe_accounts" (
	"tenant" uuid NOT NULL,
	"stripe_account_id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"stripe_account_external_id" text NOT NULL,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "stripe_accounts_tenant_stripe_account_id_pk" PRIMARY KEY("tenant","stripe_account_id"),
	CONSTRAINT "stripe_accounts_external_id_unique" UNIQUE("stripe_account_external_id")
);
--> statement-breakpoint
CREATE TABLE "stripe_customers" (
	"tenant" uuid NOT NULL,
	"stripe_customer_id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"stripe_customer_external_id" text NOT NULL,
	"billing_tenant" uuid NOT NULL,
	"email" text,
	"name" text,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"sync_version" bigint DEFAULT 0 NOT NULL,
	"synced_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "stripe_customers_tenant_stripe_customer_id_pk" PRIMARY KEY("tenant","stripe_customer_id"),
	CONSTRAINT "stripe_customers_external_id_unique" UNIQUE("stripe_customer_external_id")
);
--> statement-breakpoint
CREATE TABLE "stripe_prices" (
	"billing_tenant" uuid NOT NULL,
	"stripe_price_id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"stripe_price_external_id" text NOT NULL,
	"stripe_product_id" uuid NOT NULL,
	"unit_amount" bigint,
	"currency" text NOT NULL,
	"recurring_interval" text,
	"recurring_interval_count" integer,
	"is_active" boolean NOT NULL,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "stripe_prices_billing_tenant_stripe_price_id_pk" PRIMARY KEY("billing_tenant","stripe_price_id"),
	CONSTRAINT "stripe_prices_external_id_unique" UNIQUE("stripe_price_external_id"),
	CONSTRAINT "stripe_prices_own_id_unique" UNIQUE("stripe_price_id"),
	CONSTRAINT "stripe_prices_currency_is_iso" CHECK ("stripe_prices"."currency" ~ '^[a-z]{3}$')
);
--> statement-breakpoint
CREATE TABLE "stripe_products" (
	"billing_tenant" uuid NOT NULL,
	"stripe_product_id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"stripe_product_external_id" text NOT NULL,
	"name" text NOT NULL,
	"description" text,
	"product_type" text NOT NULL,
	"is_active" boolean NOT NULL,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"sync_version" bigint DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "stripe_products_billing_tenant_stripe_product_id_pk" PRIMARY KEY("billing_tenant","stripe_product_id"),
	CONSTRAINT "stripe_products_external_id_unique" UNIQUE("stripe_product_external_id"),
	CONSTRAINT "stripe_products_product_type_known" CHECK ("product_type" in ('license', 'service', 'addon'))
);
--> statement-breakpoint
CREATE TABLE "stripe_subscription_items" (
	"tenant" uuid NOT NULL,
	"stripe_subscription_item_id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"stripe_subscription_item_external_id" text NOT NULL,
	"stripe_subscription_id" uuid NOT NULL,
	"stripe_price_id" uuid NOT NULL,
	"quantity" integer,
	"current_period_start" timestamp (3) with time zone NOT NULL,
	"current_period_end" timestamp (3) with time zone NOT NULL,
	"stripe_created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "stripe_subscription_items_tenant_stripe_subscription_item_id_pk" PRIMARY KEY("tenant","stripe_subscription_item_id"),
	CONSTRAINT "stripe_subscription_items_external_id_unique" UNIQUE("stripe_subscription_item_external_id"),
	CONSTRAINT "stripe_subscription_items_quantity_not_negative" CHECK ("stripe_subscription_items"."quantity" >= 0)
);
--> statement-breakpoint
CREATE TABLE "stripe_subscriptions" (
	"tenant" uuid NOT NULL,
	"stripe_subscription_id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"stripe_subscription_external_id" text NOT NULL,
	"stripe_subscription_item_id" text,
	"stripe_customer_id" uuid NOT NULL,
	"stripe_price_id" uuid,
	"status" text NOT NULL,
	"quantity" integer,
	"current_period_start" timestamp (3) with time zone,
	"current_period_end" timestamp (3) with time zone,
	"cancel_at" timestamp (3) with time zone,
	"cancel_at_period_end" boolean NOT NULL,
	"canceled_at" timestamp (3) with time zone,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"stripe_created_at" timestamp (3) with time zone NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "stripe_subscriptions_tenant_stripe_subscription_id_pk" PRIMARY KEY("tenant","stripe_subscription_id"),
	CONSTRAINT "stripe_subscriptions_external_id_unique" UNIQUE("stripe_subscription_external_id"),
	CONSTRAINT "stripe_subscriptions_status_known" CHECK ("status" in ('incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'canceled', 'unpaid', 'paused')),
	CONSTRAINT "stripe_subscriptions_quantity_not_negative" CHECK ("stripe_subscriptions"."quantity" >= 0)
);
--> statement-breakpoint
CREATE TABLE "stripe_webhook_events" (
	"webhook_event_id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"tenant" uuid,
	"stripe_event_id" text NOT NULL,
	"event_type" text NOT NULL,
	"stripe_account" text,
	"subject" text,
	"object_id" text,
	"livemode" boolean,
	"api_version" text,
	"payload" json NOT NULL,
	"status" text NOT NULL,
	"status_reason" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"last_error" text,
	"event_created_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"processed_at" timestamp (3) with time zone,
	CONSTRAINT "stripe_webhook_events_stripe_event_id_unique" UNIQUE("stripe_event_id"),
	CONSTRAINT "stripe_webhook_events_status_known" CHECK ("status" in ('received', 'processed', 'ignored', 'parked', 'failed')),
	CONSTRAINT "stripe_webhook_events_reason_where_needed" CHECK (("stripe_webhook_events"."status" in ('ignored', 'parked', 'failed')) = ("stripe_webhook_events"."status_reason" is not null)),
	CONSTRAINT "stripe_webhook_events_received_has_subject" CHECK ("stripe_webhook_events"."status" <> 'received' or "stripe_webhook_events"."subject" is not null)
);
--> statement-breakpoint
CREATE TABLE "tenant_invitations" (
	"tenant" uuid NOT NULL,
	"invitation_id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"email" text NOT NULL,
	"token_hash" "bytea",
	"expires_at" timestamp (3) with time zone,
	"accepted_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "tenant_invitations_tenant_invitation_id_pk" PRIMARY KEY("tenant","invitation_id"),
	CONSTRAINT "tenant_invitations_one_per_tenant" UNIQUE("tenant"),
	CONSTRAINT "tenant_invitations_token_expires" CHECK (("tenant_invitations"."token_hash" is null) = ("tenant_invitations"."expires_at" is null))
);
--> statement-breakpoint
CREATE TABLE "tenants" (
	"tenant" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"client_name" text NOT NULL,
	"email" text NOT NULL,
	"plan" text,
	"licensed_user_count" integer,
	"last_license_update" timestamp (3) with time zone,
	"access_state" text DEFAULT 'active' NOT NULL,
	"suspended_at" timestamp (3) with time zone,
	"suspended_reason" text,
	"provisioning_key" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "tenants_provisioning_key_unique" UNIQUE("provisioning_key"),
	CONSTRAINT "tenants_licensed_user_count_not_negative" CHECK ("tenants"."licensed_user_count" >= 0),
	CONSTRAINT "tenants_access_state_known" CHECK ("access_state" in ('active', 'restricted', 'suspended', 'canceled'))
);
--> statement-breakpoint
ALTER TABLE "audit_log" ADD CONSTRAINT "audit_log_tenant_tenants_tenant_fk" FOREIGN KEY ("tenant") REFERENCES "public"."tenants"("tenant") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notifications" ADD CONSTRAINT "notifications_tenant_tenants_tenant_fk" FOREIGN KEY ("tenant") REFERENCES "public"."tenants"("tenant") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stripe_accounts" ADD CONSTRAINT "stripe_accounts_tenant_tenants_tenant_fk" FOREIGN KEY ("tenant") REFERENCES "public"."tenants"("tenant") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stripe_customers" ADD CONSTRAINT "stripe_customers_tenant_tenants_tenant_fk" FOREIGN KEY ("tenant") REFERENCES "public"."tenants"("tenant") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stripe_customers" ADD CONSTRAINT "stripe_customers_billing_tenant_tenants_tenant_fk" FOREIGN KEY ("billing_tenant") REFERENCES "public"."tenants"("tenant") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stripe_prices" ADD CONSTRAINT "stripe_prices_product_fk" FOREIGN KEY ("billing_tenant","stripe_product_id") REFERENCES "public"."stripe_products"("billing_tenant","stripe_product_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stripe_products" ADD CONSTRAINT "stripe_products_billing_tenant_tenants_tenant_fk" FOREIGN KEY ("billing_tenant") REFERENCES "public"."tenants"("tenant") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stripe_subscription_items" ADD CONSTRAINT "stripe_subscription_items_stripe_price_id_stripe_prices_stripe_price_id_fk" FOREIGN KEY ("stripe_price_id") REFERENCES "public"."stripe_prices"("stripe_price_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stripe_subscription_items" ADD CONSTRAINT "stripe_subscription_items_subscription_fk" FOREIGN KEY ("tenant","stripe_subscription_id") REFERENCES "public"."stripe_subscriptions"("tenant","stripe_subscription_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stripe_subscriptions" ADD CONSTRAINT "stripe_subscriptions_stripe_price_id_stripe_prices_stripe_price_id_fk" FOREIGN KEY ("stripe_price_id") REFERENCES "public"."stripe_prices"("stripe_price_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stripe_subscriptions" ADD CONSTRAINT "stripe_subscriptions_customer_fk" FOREIGN KEY ("tenant","stripe_customer_id") REFERENCES "public"."stripe_customers"("tenant","stripe_customer_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stripe_webhook_events" ADD CONSTRAINT "stripe_webhook_events_tenant_tenants_tenant_fk" FOREIGN KEY ("tenant") REFERENCES "public"."tenants"("tenant") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenant_invitations" ADD CONSTRAINT "tenant_invitations_tenant_tenants_tenant_fk" FOREIGN KEY ("tenant") REFERENCES "public"."tenants"("tenant") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "audit_log_tenant" ON "audit_log" USING btree ("tenant","created_at");--> statement-breakpoint
CREATE INDEX "stripe_subscription_items_subscription" ON "stripe_subscription_items" USING btree ("tenant","stripe_subscription_id");--> statement-breakpoint
CREATE INDEX "stripe_subscriptions_customer" ON "stripe_subscriptions" USING btree ("tenant","stripe_customer_id");--> statement-breakpoint
CREATE INDEX "stripe_webhook_events_pending" ON "stripe_webhook_events" USING btree ("subject") WHERE "stripe_webhook_events"."status" = 'received';--> statement-breakpoint
CREATE INDEX "stripe_webhook_events_due" ON "stripe_webhook_events" USING btree ("created_at") WHERE "stripe_webhook_events"."status" = 'received';--> statement-breakpoint
CREATE INDEX "stripe_webhook_events_parked" ON "stripe_webhook_events" USING btree ("subject") WHERE "stripe_webhook_events"."status" = 'parked';--> statement-breakpoint
CREATE UNIQUE INDEX "tenant_invitations_token_hash_unique" ON "tenant_invitations" USING btree ("token_hash");