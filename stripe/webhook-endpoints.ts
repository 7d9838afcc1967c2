import type Stripe from 'stripe';
import { z } from 'zod';
import { optionalText, readAnswer } from './answers.ts';
import { stripeFailure } from './errors.ts';

/** Stripe allows 16 endpoints an account, so one page has them all. */
const PAGE_SIZE = 100;

const endpointSchema = z
  .object({
    id: z.string(),
    url: z.string(),
    status: z.string(),
    enabled_events: z.array(z.string()),
    api_version: optionalText,
    livemode: z.boolean(),
  })
  .transform(
    (endpoint): WebhookEndpoint => ({
      id: endpoint.id,
      url: endpoint.url,
      isEnabled: endpoint.status === 'enabled',
      eventTypes: endpoint.enabled_events,
      apiVersion: endpoint.api_version,
      livemode: endpoint.livemode,
    }),
  );

/** An endpoint as Stripe knows it; its signing secret is shown only when it is made. */
export type WebhookEndpoint = {
  id: string;
  url: string;
  isEnabled: boolean;
  /** `*` stands for all. */
  eventTypes: readonly string[];
  /** null: the account's default. */
  apiVersion: string | null;
  livemode: boolean;
};

/**
 * All webhook endpoints of the key's mode.
 *
 * @throws Failure StripePermissionDenied when a restricted key may not read them
 */
export async function listWebhookEndpoints(stripe: Stripe): Promise<WebhookEndpoint[]> {
  try {
    const answer = await stripe.webhookEndpoints.list({ limit: PAGE_SIZE });
    return readAnswer(z.object({ data: z.array(endpointSchema) }), answer).data;
  } catch (error) {
    throw stripeFailure(error);
  }
}
