import { z } from 'zod';
import { invalidRequest, noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import {
  boolean,
  clearableText,
  type Metadata,
  mergeMetadata,
  metadata,
  sent,
  text,
} from '../api/parameters.ts';
import { type Resource, route } from '../resource.ts';
import type { Account } from '../state/account.ts';
import { defineTable } from '../state/table.ts';
import type { Transaction } from '../state/transaction.ts';

/** As stored: the secret is shown only in the answer to its creation. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly object: 'webhook_endpoint';
  readonly api_version: string | null;
  readonly application: null;
  readonly created: number;
  readonly description: string | null;
  readonly enabled_events: readonly string[];
  readonly livemode: false;
  readonly metadata: Metadata;
  readonly secret: string;
  readonly status: 'enabled' | 'disabled';
  readonly url: string;
}

/** Stripe's limit per account. */
const endpointsMax = 16;

export const webhookEndpointTable = defineTable<WebhookEndpoint>({ noun: 'webhook endpoint', indexes: {} });

/** The enabled endpoints that want an event type. */
export function endpointsFor(account: Account, type: string): WebhookEndpoint[] {
  const wanting: WebhookEndpoint[] = [];
  for (const endpoint of account.table(webhookEndpointTable).oldestFirst()) {
    if (endpoint.status !== 'enabled') continue;
    if (endpoint.enabled_events.includes('*') || endpoint.enabled_events.includes(type))
      wanting.push(endpoint);
  }
  return wanting;
}

const webhookUrl = z.string().refine((value) => /^https?:$/.test(URL.parse(value)?.protocol ?? ''), {
  error: 'Invalid URL: An explicit scheme (such as https) must be provided.',
});

const createParameters = z.strictObject({
  url: webhookUrl,
  enabled_events: z.array(text).min(1),
  api_version: text.optional(),
  connect: boolean.optional(),
  description: clearableText.optional(),
  metadata: metadata.optional(),
});

const updateParameters = z.strictObject({
  url: webhookUrl.optional(),
  enabled_events: z.array(text).min(1).optional(),
  description: clearableText.optional(),
  disabled: boolean.optional(),
  metadata: metadata.optional(),
});

function create(tx: Transaction, parameters: z.infer<typeof createParameters>): WebhookEndpoint {
  if (tx.table(webhookEndpointTable).size >= endpointsMax) {
    throw invalidRequest({ message: `You have reached the maximum of ${endpointsMax} webhook endpoints.` });
  }
  return tx.put(webhookEndpointTable, {
    id: tx.newId('we'),
    object: 'webhook_endpoint',
    api_version: parameters.api_version ?? null,
    application: null,
    created: tx.now,
    description: parameters.description ?? null,
    enabled_events: parameters.enabled_events,
    livemode: false,
    metadata: mergeMetadata({}, parameters.metadata),
    secret: tx.newId('whsec'),
    status: 'enabled',
    url: parameters.url,
  });
}

function update(tx: Transaction, id: string, parameters: z.infer<typeof updateParameters>): object {
  const { disabled, metadata: metadataChange, ...changes } = parameters;
  const before = existing(tx, id);
  const after = tx.put(webhookEndpointTable, {
    ...before,
    ...sent(changes),
    metadata: mergeMetadata(before.metadata, metadataChange),
    status: disabled === undefined ? before.status : disabled ? 'disabled' : 'enabled',
  });
  return withoutSecret(after);
}

function existing(tx: Transaction, id: string): WebhookEndpoint {
  const endpoint = tx.get(webhookEndpointTable, id);
  if (!endpoint) throw noSuchInPath('webhook endpoint', id);
  return endpoint;
}

function withoutSecret(endpoint: WebhookEndpoint): object {
  const { secret: _, ...shown } = endpoint;
  return shown;
}

export const webhookEndpoints: Resource = {
  object: 'webhook_endpoint',
  expandable: {},
  routes: [
    route({
      method: 'POST',
      path: '/v1/webhook_endpoints',
      parameters: createParameters,
      handle: ({ tx, parameters }) => create(tx, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/webhook_endpoints/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => withoutSecret(existing(tx, id)),
    }),
    route({
      method: 'POST',
      path: '/v1/webhook_endpoints/:id',
      parameters: updateParameters,
      handle: ({ tx, id, parameters }) => update(tx, id, parameters),
    }),
    route({
      method: 'DELETE',
      path: '/v1/webhook_endpoints/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => {
        existing(tx, id);
        tx.remove(webhookEndpointTable, id);
        return { id, object: 'webhook_endpoint', deleted: true };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/webhook_endpoints',
      parameters: z.strictObject(listParameters),
      handle: ({ tx, parameters }) =>
        pageOfTable(tx, {
          table: webhookEndpointTable,
          parameters,
          render: withoutSecret,
          url: '/v1/webhook_endpoints',
        }),
    }),
  ],
};
