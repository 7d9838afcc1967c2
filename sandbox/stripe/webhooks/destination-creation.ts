import { z } from 'zod';
import { invalidRequest, parameterMissing } from '../api/errors.ts';
import { mergeV2Metadata, v2Metadata } from '../api/v2-parameters.ts';
import { apiVersionParameter } from '../api/versions.ts';
import { snapshotEventTypes, thinEventTypes } from '../state/event-types.ts';
import type { Transaction } from '../state/transaction.ts';
import { type EventDestination, eventDestinationTable, refuseBeyondLimit } from './delivery-targets.ts';
import { firstSecret } from './signing-secrets.ts';
import { webhookUrl } from './webhook-url.ts';

export const endpointUrl = 'webhook_endpoint.url';
export const signingSecret = 'webhook_endpoint.signing_secret';

/** What both a creation and an update take. */
export const destinationFields = {
  name: z.string().min(1),
  description: z.string().optional(),
  enabled_events: z.array(z.string()).min(1),
  metadata: v2Metadata.optional(),
  webhook_endpoint: z.strictObject({ url: webhookUrl }).optional(),
};

/** Other types of destinations (Amazon EventBridge, Azure Event Grid) are not there. */
export const createDestinationParameters = z.strictObject({
  ...destinationFields,
  type: z.literal('webhook_endpoint'),
  event_payload: z.enum(['snapshot', 'thin']),
  events_from: z
    .array(z.enum(['@accounts', '@self']))
    .min(1)
    .optional(),
  include: z.array(z.enum([endpointUrl, signingSecret])).optional(),
  snapshot_api_version: apiVersionParameter.optional(),
});
export type CreateDestination = z.infer<typeof createDestinationParameters>;

/** @throws StripeError 400 for a type that events of this payload never have */
export function checkDestinationTypes(
  types: readonly string[],
  payload: EventDestination['event_payload'],
): void {
  const known = payload === 'thin' ? thinEventTypes : snapshotEventTypes;
  const wrong = types.findIndex((type) => type !== '*' && !known.has(type));
  if (wrong < 0) return;
  const message = `Invalid ${payload} event type: ${types[wrong]}`;
  throw invalidRequest({ param: `enabled_events[${wrong}]`, message });
}

/**
 * Makes a destination.
 * @returns it, and the secret that only its creation can show
 * @throws StripeError 400
 */
export function createDestination(
  tx: Transaction,
  parameters: CreateDestination,
): { destination: EventDestination; secret: string } {
  const { event_payload: payload, snapshot_api_version: version } = parameters;
  checkDestinationTypes(parameters.enabled_events, payload);
  if (!parameters.webhook_endpoint) throw parameterMissing('webhook_endpoint');
  if (payload === 'thin' && version !== undefined) {
    const message = 'snapshot_api_version is for snapshot events only.';
    throw invalidRequest({ param: 'snapshot_api_version', message });
  }
  refuseBeyondLimit(tx);
  const nowMs = tx.account.clock.nowMs();
  const secret = tx.newId('whsec');
  const destination: EventDestination = {
    id: tx.newId('ed_test'),
    object: 'v2.core.event_destination',
    createdMs: nowMs,
    updatedMs: nowMs,
    description: parameters.description ?? '',
    name: parameters.name,
    enabled_events: parameters.enabled_events,
    event_payload: payload,
    events_from: parameters.events_from ?? ['@self'],
    metadata: mergeV2Metadata({}, parameters.metadata),
    snapshot_api_version: version ?? null,
    status: 'enabled',
    url: parameters.webhook_endpoint.url,
    secrets: firstSecret(secret),
  };
  return { destination: tx.put(eventDestinationTable, destination), secret };
}
