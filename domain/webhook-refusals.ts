/** Where the gateway takes Stripe's events; the first one is the one to use, the others are for endpoints that exist already. */
export const WEBHOOK_PATHS = ['/webhooks/stripe', '/api/webhooks/stripe', '/api/stripe/webhook'] as const;

/** The `detail` of the 400 by which a webhook is refused, by the reason that the metrics count. Doctor knows the gateway by them. */
export const WEBHOOK_REFUSALS = {
  signature_missing: 'The Stripe-Signature header is missing.',
  signature_malformed: 'The Stripe-Signature header is malformed.',
  timestamp_outside_tolerance: 'The signature’s timestamp is more than 300 s away from our clock.',
  signature_mismatch: 'No signature fits the body and a configured secret.',
  not_json: 'The body is not JSON.',
  not_an_event: 'The body is no Stripe event.',
  kind_of_another_secret: 'Snapshot and thin events are accepted only with the secrets of their own kind.',
} as const;
