export { billingSyncWorkflow } from './billing-sync.ts';
export { createTenantWorkflow } from './create-tenant.ts';
export { dunningWorkflow } from './dunning.ts';
export { importCustomersWorkflow } from './import-customers.ts';
export { reconcileBillingWorkflow } from './reconcile-billing.ts';
export { sweepWebhookEventsWorkflow } from './sweep-webhook-events.ts';
