CREATE TABLE "dunning_cases" (
	"tenant" uuid NOT NULL,
	"dunning_case_id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"stripe_subscription_id" uuid NOT NULL,
	"stripe_subscription_external_id" text NOT NULL,
	"dunning_policy_id" uuid NOT NULL,
	"state" text DEFAULT 'retrying' NOT NULL,
	"stage" text,
	"access" text DEFAULT 'active' NOT NULL,
	"anchor_invoice" text,
	"paused_until" timestamp (3) with time zone,
	"extended_days" integer DEFAULT 0 NOT NULL,
	"skipped_stages" text[] DEFAULT '{}' NOT NULL,
	"excluded_invoices" text[] DEFAULT '{}' NOT NULL,
	"write_off_requested_at" timestamp (3) with time zone,
	"is_unreachable" boolean DEFAULT false NOT NULL,
	"facts" text DEFAULT '' NOT NULL,
	"attention_due_at" timestamp (3) with time zone NOT NULL,
	"outcome" text,
	"left_invoices" text[] DEFAULT '{}' NOT NULL,
	"opened_at" timestamp (3) with time zone NOT NULL,
	"closed_at" timestamp (3) with time zone,
	CONSTRAINT "dunning_cases_tenant_dunning_case_id_pk" PRIMARY KEY("tenant","dunning_case_id"),
	CONSTRAINT "dunning_cases_state_known" CHECK ("state" in ('retrying', 'action_required', 'grace', 'restricted', 'suspended', 'canceled', 'written_off')),
	CONSTRAINT "dunning_cases_access_known" CHECK ("access" in ('active', 'restricted', 'suspended')),
	CONSTRAINT "dunning_cases_outcome_known" CHECK ("outcome" in ('recovered', 'voided', 'excluded', 'canceled', 'written_off')),
	CONSTRAINT "dunning_cases_closed_with_outcome" CHECK (("dunning_cases"."closed_at" is null) = ("dunning_cases"."outcome" is null))
);
--> statement-breakpoint
CREATE TABLE "dunning_events" (
	"tenant" uuid NOT NULL,
	"dunning_event_id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"dunning_case_id" uuid NOT NULL,
	"position" bigint GENERATED ALWAYS AS IDENTITY (sequence name "dunning_events_position_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"stage" text,
	"state" text,
	"access" text,
	"invoice" text,
	"actor" text,
	"reason" text,
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"command_key" text,
	"occurred_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "dunning_events_tenant_dunning_event_id_pk" PRIMARY KEY("tenant","dunning_event_id"),
	CONSTRAINT "dunning_events_command_key_unique" UNIQUE("command_key"),
	CONSTRAINT "dunning_events_kind_known" CHECK ("kind" in ('opened', 'followed', 'stage_entered', 'notice_sent', 'notice_failed', 'notice_suppressed', 'effect_applied', 'command', 'closed')),
	CONSTRAINT "dunning_events_command_has_actor" CHECK ("dunning_events"."kind" <> 'command' or ("dunning_events"."actor" is not null and "dunning_events"."reason" is not null and "dunning_events"."command_key" is not null))
);
--> statement-breakpoint
CREATE TABLE "dunning_policies" (
	"dunning_policy_id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"version" text NOT NULL,
	"digest" text NOT NULL,
	"source" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "dunning_policies_digest_unique" UNIQUE("digest")
);
--> statement-breakpoint
CREATE TABLE "dunning_steps" (
	"tenant" uuid NOT NULL,
	"dunning_case_id" uuid NOT NULL,
	"anchor_invoice" text NOT NULL,
	"stage" text NOT NULL,
	"notification_id" uuid,
	"is_applied" boolean NOT NULL,
	"entered_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "dunning_steps_tenant_dunning_case_id_anchor_invoice_stage_pk" PRIMARY KEY("tenant","dunning_case_id","anchor_invoice","stage")
);
--> statement-breakpoint
CREATE TABLE "stripe_invoices" (
	"tenant" uuid NOT NULL,
	"stripe_invoice_id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"stripe_invoice_external_id" text NOT NULL,
	"stripe_customer_id" uuid NOT NULL,
	"stripe_subscription_id" uuid,
	"number" text,
	"status" text NOT NULL,
	"billing_reason" text,
	"collection_method" text NOT NULL,
	"currency" text NOT NULL,
	"amount_due" bigint NOT NULL,
	"amount_paid" bigint NOT NULL,
	"amount_remaining" bigint NOT NULL,
	"attempt_count" integer NOT NULL,
	"next_payment_attempt" timestamp (3) with time zone,
	"due_date" timestamp (3) with time zone,
	"hosted_invoice_url" text,
	"last_decline_code" text,
	"is_payment_processing" boolean DEFAULT false NOT NULL,
	"unpaid_since" timestamp (3) with time zone,
	"stripe_created_at" timestamp (3) with time zone NOT NULL,
	"finalized_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "stripe_invoices_tenant_stripe_invoice_id_pk" PRIMARY KEY("tenant","stripe_invoice_id"),
	CONSTRAINT "stripe_invoices_external_id_unique" UNIQUE("stripe_invoice_external_id"),
	CONSTRAINT "stripe_invoices_status_known" CHECK ("status" in ('open', 'paid', 'uncollectible', 'void')),
	CONSTRAINT "stripe_invoices_collection_method_known" CHECK ("collection_method" in ('charge_automatically', 'send_invoice')),
	CONSTRAINT "stripe_invoices_currency_is_iso" CHECK ("stripe_invoices"."currency" ~ '^[a-z]{3}$'),
	CONSTRAINT "stripe_invoices_unpaid_is_open" CHECK ("stripe_invoices"."unpaid_since" is null or "stripe_invoices"."status" = 'open')
);
--> statement-breakpoint
ALTER TABLE "notifications" ADD COLUMN "locale" text DEFAULT 'en' NOT NULL;--> statement-breakpoint
ALTER TABLE "notifications" ADD COLUMN "payload" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "notifications" ADD COLUMN "dunning_case_id" uuid;--> statement-breakpoint
ALTER TABLE "notifications" ADD COLUMN "next_attempt_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "stripe_subscriptions" ADD COLUMN "cancellation_reason" text;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "time_zone" text;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "locale" text;--> statement-breakpoint
ALTER TABLE "dunning_cases" ADD CONSTRAINT "dunning_cases_dunning_policy_id_dunning_policies_dunning_policy_id_fk" FOREIGN KEY ("dunning_policy_id") REFERENCES "public"."dunning_policies"("dunning_policy_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dunning_cases" ADD CONSTRAINT "dunning_cases_subscription_fk" FOREIGN KEY ("tenant","stripe_subscription_id") REFERENCES "public"."stripe_subscriptions"("tenant","stripe_subscription_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dunning_events" ADD CONSTRAINT "dunning_events_case_fk" FOREIGN KEY ("tenant","dunning_case_id") REFERENCES "public"."dunning_cases"("tenant","dunning_case_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dunning_steps" ADD CONSTRAINT "dunning_steps_case_fk" FOREIGN KEY ("tenant","dunning_case_id") REFERENCES "public"."dunning_cases"("tenant","dunning_case_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dunning_steps" ADD CONSTRAINT "dunning_steps_notification_fk" FOREIGN KEY ("tenant","notification_id") REFERENCES "public"."notifications"("tenant","notification_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stripe_invoices" ADD CONSTRAINT "stripe_invoices_customer_fk" FOREIGN KEY ("tenant","stripe_customer_id") REFERENCES "public"."stripe_customers"("tenant","stripe_customer_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stripe_invoices" ADD CONSTRAINT "stripe_invoices_subscription_fk" FOREIGN KEY ("tenant","stripe_subscription_id") REFERENCES "public"."stripe_subscriptions"("tenant","stripe_subscription_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "dunning_cases_one_open_per_subscription" ON "dunning_cases" USING btree ("stripe_subscription_external_id") WHERE "dunning_cases"."closed_at" is null;--> statement-breakpoint
CREATE INDEX "dunning_cases_subscription" ON "dunning_cases" USING btree ("tenant","stripe_subscription_id");--> statement-breakpoint
CREATE INDEX "dunning_cases_attention" ON "dunning_cases" USING btree ("attention_due_at") WHERE "dunning_cases"."closed_at" is null;--> statement-breakpoint
CREATE INDEX "dunning_events_case" ON "dunning_events" USING btree ("tenant","dunning_case_id","position");--> statement-breakpoint
CREATE INDEX "stripe_invoices_open" ON "stripe_invoices" USING btree ("tenant","stripe_customer_id") WHERE "stripe_invoices"."status" = 'open';--> statement-breakpoint
CREATE INDEX "stripe_invoices_unpaid" ON "stripe_invoices" USING btree ("tenant","stripe_subscription_id") WHERE "stripe_invoices"."unpaid_since" is not null;--> statement-breakpoint
CREATE INDEX "notifications_queued" ON "notifications" USING btree ("created_at") WHERE "notifications"."status" = 'queued';--> statement-breakpoint
CREATE INDEX "tenants_withheld" ON "tenants" USING btree ("tenant") WHERE "tenants"."access_state" in ('restricted', 'suspended');