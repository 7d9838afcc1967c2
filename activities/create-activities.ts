import { createBillingSyncActivities } from './billing-sync.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { createDunningActivities, createDunningStripeActivities } from './dunning.ts';
import { createDunningCommandActivities } from './dunning-commands.ts';
import { createImportActivities } from './import.ts';
import { createImportStripeActivities } from './import-listing.ts';
import { createInvitationActivities } from './invitations.ts';
import { createNoticeActivities, createNoticeStripeActivities } from './notices.ts';
import { createPurchaseActivities } from './purchases.ts';
import { createReconcileActivities } from './reconcile.ts';
import { createReconcileEventActivities, createReconcileEventStripeActivities } from './reconcile-events.ts';
import { createReconcileStripeActivities } from './reconcile-stripe.ts';
import { createTenantActivities } from './tenants.ts';
import { createWebhookEventActivities } from './webhook-events.ts';

/** Activities that touch Postgres, the mail server and Temporal; they run on the main task queue. */
export function createActivities(dependencies: ActivityDependencies) {
  return {
    ...createTenantActivities(dependencies),
    ...createInvitationActivities(dependencies),
    ...createWebhookEventActivities(dependencies),
    ...createDunningActivities(dependencies),
    ...createDunningCommandActivities(dependencies),
    ...createNoticeActivities(dependencies),
    ...createImportActivities(dependencies),
    ...createReconcileActivities(dependencies),
    ...createReconcileEventActivities(dependencies),
  };
}

/** Activities that call Stripe; they run on a task queue of their own, whose rate the server limits. */
export function createStripeActivities(dependencies: ActivityDependencies) {
  return {
    ...createPurchaseActivities(dependencies),
    ...createBillingSyncActivities(dependencies),
    ...createDunningStripeActivities(dependencies),
    ...createNoticeStripeActivities(dependencies),
    ...createImportStripeActivities(dependencies),
    ...createReconcileStripeActivities(dependencies),
    ...createReconcileEventStripeActivities(dependencies),
  };
}

export type Activities = ReturnType<typeof createActivities>;
export type StripeActivities = ReturnType<typeof createStripeActivities>;
