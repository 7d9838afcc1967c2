import type { Exception } from './deviations.ts';

const newer = 'Newer than the specification: stripe-node, whose API version is the simulator’s, declares it.';
const hidden =
  'Real answers carry it and stripe-node declares it; the published specification leaves it out.';
const onDemand = 'In an answer only when it is asked for with `expand`: stripe-node declares it as optional.';
const eitherOr = 'Stripe requires it unless a parameter is given that the simulator does not take.';

const declaredTypes =
  'Event types are those that stripe-node declares, some of them newer than the specification; others are refused.';

/** The specification has no v2 API at all. What these answer is held against schemas written after stripe-node. */
const v2Endpoints = [
  'DELETE /v2/core/event_destinations/*',
  'GET /v2/core/event_destinations',
  'GET /v2/core/event_destinations/*',
  'GET /v2/core/events',
  'GET /v2/core/events/*',
  'POST /v2/core/event_destinations',
  'POST /v2/core/event_destinations/*',
  'POST /v2/core/event_destinations/*/disable',
  'POST /v2/core/event_destinations/*/enable',
  'POST /v2/core/event_destinations/*/ping',
];

/** Every difference from the specification that is meant to be; what nothing needs any more must go. */
export const exceptions: readonly Exception[] = [
  // Keys of answers and events
  { where: 'charge.refunds', what: 'missing', reason: onDemand, declared: 'Charges/Charge.refunds' },
  { where: 'charge.source', what: 'unknown', reason: hidden, declared: 'Charges/Charge.source' },
  {
    where: 'checkout.session.allowed_payment_method_types',
    what: 'unknown',
    reason: newer,
    declared: 'Checkout/Sessions/Session.allowed_payment_method_types',
  },
  {
    where: 'customer.cash_balance',
    what: 'missing',
    reason: onDemand,
    declared: 'Customers/Customer.cash_balance',
  },
  {
    where: 'invoice.confirmation_secret',
    what: 'missing',
    reason: onDemand,
    declared: 'Invoices/Invoice.confirmation_secret',
  },
  {
    where: 'invoice.id',
    what: 'missing',
    reason: 'The object of `invoice.upcoming` has no id, as Stripe’s reference says.',
  },
  {
    where: 'invoice.status_details',
    what: 'unknown',
    reason: newer,
    declared: 'Invoices/Invoice.status_details',
  },
  {
    where: 'payment_intent.payment_record',
    what: 'unknown',
    reason: newer,
    declared: 'PaymentIntents/PaymentIntent.payment_record',
  },
  {
    where: 'payment_intent.source',
    what: 'unknown',
    reason: hidden,
    declared: 'PaymentIntents/PaymentIntent.source',
  },
  {
    where: 'portal_features.subscription_pause',
    what: 'unknown',
    reason: newer,
    declared: 'BillingPortal/Configurations/Configuration.Features.subscription_pause',
  },
  {
    where: 'portal_flows_flow.subscription_pause',
    what: 'unknown',
    reason: newer,
    declared: 'BillingPortal/Sessions/Session.Flow.subscription_pause',
  },
  {
    where: 'portal_subscription_update.products',
    what: 'missing',
    reason: onDemand,
    declared: 'BillingPortal/Configurations/Configuration.Features.SubscriptionUpdate.products',
  },
  {
    where: 'product.tax_details',
    what: 'unknown',
    reason: newer,
    declared: 'Products/Product.tax_details',
  },
  { where: 'product.type', what: 'unknown', reason: hidden, declared: 'Products/Product.type' },
  {
    where: 'recurring.trial_period_days',
    what: 'unknown',
    reason: hidden,
    declared: 'Prices/Price.Recurring.trial_period_days',
  },
  {
    where: 'subscription_item.current_trial',
    what: 'unknown',
    reason: newer,
    declared: 'SubscriptionItems/SubscriptionItem.current_trial',
  },
  {
    where: 'subscription.status_details',
    what: 'unknown',
    reason: newer,
    declared: 'Subscriptions/Subscription.status_details',
  },
  {
    where: 'subscriptions_resource_pending_update.cancel_at_period_end',
    what: 'unknown',
    reason: newer,
    declared: 'Subscriptions/Subscription.PendingUpdate.cancel_at_period_end',
  },
  {
    where: 'subscriptions_resource_trial_settings_end_behavior.billing_cycle_anchor',
    what: 'unknown',
    reason: newer,
    declared: 'Subscriptions/Subscription.TrialSettings.EndBehavior.billing_cycle_anchor',
  },

  // Endpoints
  {
    where: 'POST /v1/subscriptions/*/pause',
    what: 'unknown',
    reason: newer,
  },
  ...v2Endpoints.map((where) => ({
    where,
    what: 'unknown' as const,
    reason: 'The specification has no v2 API.',
  })),

  // Parameters
  {
    where: 'GET /v1/invoice_payments?payment.payment_intent',
    what: 'missing',
    reason: `${eitherOr} (\`payment_record\`)`,
  },
  {
    where: 'POST /v1/billing_portal/configurations?features.subscription_pause',
    what: 'unknown',
    reason: newer,
    declared:
      'BillingPortal/Configurations/BillingPortal.ConfigurationCreateParams.Features.subscription_pause',
  },
  {
    where: 'POST /v1/billing_portal/configurations/*?features.subscription_pause',
    what: 'unknown',
    reason: newer,
    declared:
      'BillingPortal/Configurations/BillingPortal.ConfigurationUpdateParams.Features.subscription_pause',
  },
  {
    where: 'POST /v1/checkout/sessions?allowed_payment_method_types',
    what: 'unknown',
    reason: newer,
    declared: 'Checkout/Sessions/Checkout.SessionCreateParams.allowed_payment_method_types',
  },
  {
    where: 'POST /v1/checkout/sessions?payment_method_types[]',
    what: 'value',
    reason: 'This API version refuses the parameter with a code of its own, whatever is in it.',
  },
  {
    where: 'POST /v1/checkout/sessions?ui_mode',
    what: 'value',
    reason: `${newer} (\`form\`)`,
    declared: 'Checkout/Sessions/Checkout.SessionCreateParams.ui_mode',
  },
  {
    where: 'POST /v1/billing_portal/sessions?customer',
    what: 'missing',
    reason: `${eitherOr} (\`customer_account\`)`,
  },
  {
    where: 'POST /v1/customers/*?validate',
    what: 'unknown',
    reason: hidden,
    declared: 'Customers/CustomerUpdateParams.validate',
  },
  {
    where: 'POST /v1/prices?recurring.trial_period_days',
    what: 'unknown',
    reason: hidden,
    declared: 'Prices/PriceCreateParams.Recurring.trial_period_days',
  },
  {
    where: 'POST /v1/products?tax_details',
    what: 'unknown',
    reason: newer,
    declared: 'Products/ProductCreateParams.tax_details',
  },
  {
    where: 'POST /v1/products/*?tax_details',
    what: 'unknown',
    reason: newer,
    declared: 'Products/ProductUpdateParams.tax_details',
  },
  {
    where: 'POST /v1/products?type',
    what: 'unknown',
    reason: hidden,
    declared: 'Products/ProductCreateParams.type',
  },
  {
    where: 'POST /v1/subscriptions?items',
    what: 'missing',
    reason: `${eitherOr} (\`add_invoice_items\`)`,
  },
  { where: 'POST /v1/subscriptions?customer', what: 'missing', reason: `${eitherOr} (\`customer_account\`)` },
  {
    where: 'POST /v1/subscriptions/*?billing_cycle_anchor',
    what: 'value',
    reason: 'An object since 2026-09-30.',
  },
  {
    where: 'POST /v1/subscriptions/*/resume?billing_cycle_anchor',
    what: 'value',
    reason: 'An object since 2026-09-30.',
  },
  {
    where: 'POST /v1/subscriptions/*/resume?payment_behavior',
    what: 'unknown',
    reason: newer,
    declared: 'Subscriptions/SubscriptionResumeParams.payment_behavior',
  },

  {
    where: 'POST /v1/webhook_endpoints?enabled_events[]',
    what: 'value',
    reason: declaredTypes,
  },
  {
    where: 'POST /v1/webhook_endpoints/*?enabled_events[]',
    what: 'value',
    reason: declaredTypes,
  },
];
