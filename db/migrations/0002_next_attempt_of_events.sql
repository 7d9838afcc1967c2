DROP INDEX "stripe_webhook_events_due";--> statement-breakpoint
ALTER TABLE "stripe_webhook_events" ADD COLUMN "last_error_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "stripe_webhook_events" ADD COLUMN "next_attempt_at" timestamp (3) with time zone DEFAULT now() + interval '30 seconds' NOT NULL;--> statement-breakpoint
CREATE INDEX "stripe_webhook_events_due" ON "stripe_webhook_events" USING btree ("next_attempt_at","subject") WHERE "stripe_webhook_events"."status" = 'received';