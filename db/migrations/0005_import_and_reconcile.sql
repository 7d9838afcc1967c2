CREATE TABLE "billing_drift" (
	"drift_id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"tenant" uuid,
	"kind" text NOT NULL,
	"subject" text NOT NULL,
	"stripe_customer_external_id" text,
	"field" text NOT NULL,
	"ours" jsonb,
	"theirs" jsonb,
	"found_by" text NOT NULL,
	"last_seen_by" text NOT NULL,
	"detected_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"last_seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"repaired_at" timestamp (3) with time zone,
	"repair" text,
	CONSTRAINT "billing_drift_repair_known" CHECK ("repair" in ('billing_sync', 'product_sync', 'by_itself')),
	CONSTRAINT "billing_drift_kind_known" CHECK ("kind" in ('subscription', 'invoice', 'customer', 'tenant', 'product')),
	CONSTRAINT "billing_drift_repair_named" CHECK (("billing_drift"."repaired_at" is null) = ("billing_drift"."repair" is null))
);
--> statement-breakpoint
CREATE TABLE "imported_customers" (
	"listing" text NOT NULL,
	"stripe_customer_external_id" text NOT NULL,
	"email" text,
	"name" text,
	"is_deleted" boolean NOT NULL,
	"livemode" boolean NOT NULL,
	"has_live_license" boolean NOT NULL,
	"named_tenants" text[] DEFAULT '{}' NOT NULL,
	"tagged_tenant" text,
	"outcome" text,
	"reason" text,
	"tenant" uuid,
	"candidates" uuid[] DEFAULT '{}' NOT NULL,
	"applied_at" timestamp (3) with time zone,
	"is_written" boolean DEFAULT false NOT NULL,
	"tagged_at" timestamp (3) with time zone,
	CONSTRAINT "imported_customers_listing_stripe_customer_external_id_pk" PRIMARY KEY("listing","stripe_customer_external_id"),
	CONSTRAINT "imported_customers_outcome_known" CHECK ("outcome" in ('known', 'link', 'create', 'conflict', 'left'))
);
--> statement-breakpoint
CREATE TABLE "reconcile_cursors" (
	"name" text PRIMARY KEY NOT NULL,
	"read_until" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stripe_listings" (
	"listing" text NOT NULL,
	"kind" text NOT NULL,
	"object_external_id" text NOT NULL,
	"stripe_customer_external_id" text NOT NULL,
	"status" text NOT NULL,
	"body" json,
	"fetched_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "stripe_listings_listing_kind_object_external_id_pk" PRIMARY KEY("listing","kind","object_external_id"),
	CONSTRAINT "stripe_listings_kind_known" CHECK ("kind" in ('subscription', 'invoice'))
);
--> statement-breakpoint
ALTER TABLE "stripe_webhook_events" ADD COLUMN "source" text DEFAULT 'webhook' NOT NULL;--> statement-breakpoint
ALTER TABLE "billing_drift" ADD CONSTRAINT "billing_drift_tenant_tenants_tenant_fk" FOREIGN KEY ("tenant") REFERENCES "public"."tenants"("tenant") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "billing_drift_open" ON "billing_drift" USING btree ("subject","field") WHERE "billing_drift"."repaired_at" is null;--> statement-breakpoint
CREATE INDEX "billing_drift_last_seen_by" ON "billing_drift" USING btree ("last_seen_by");--> statement-breakpoint
CREATE INDEX "imported_customers_email" ON "imported_customers" USING btree ("listing",lower("email"));--> statement-breakpoint
CREATE INDEX "imported_customers_unjudged" ON "imported_customers" USING btree ("listing","stripe_customer_external_id") WHERE "imported_customers"."outcome" is null;--> statement-breakpoint
CREATE INDEX "imported_customers_unapplied" ON "imported_customers" USING btree ("listing","outcome","stripe_customer_external_id") WHERE "imported_customers"."applied_at" is null;--> statement-breakpoint
CREATE INDEX "stripe_listings_customer" ON "stripe_listings" USING btree ("listing","stripe_customer_external_id");--> statement-breakpoint
CREATE INDEX "stripe_webhook_events_failed" ON "stripe_webhook_events" USING btree ("created_at") WHERE "stripe_webhook_events"."status" = 'failed';--> statement-breakpoint
CREATE INDEX "stripe_webhook_events_newest" ON "stripe_webhook_events" USING btree ("created_at","webhook_event_id");--> statement-breakpoint
CREATE INDEX "stripe_webhook_events_of_subject" ON "stripe_webhook_events" USING btree ("subject","created_at") WHERE "stripe_webhook_events"."subject" is not null;--> statement-breakpoint
CREATE INDEX "tenants_email" ON "tenants" USING btree (lower("email"));--> statement-breakpoint
ALTER TABLE "stripe_webhook_events" ADD CONSTRAINT "stripe_webhook_events_source_known" CHECK ("source" in ('webhook', 'reconcile'));