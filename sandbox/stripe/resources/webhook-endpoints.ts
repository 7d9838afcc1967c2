import { z } from 'zod';
import { noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import { boolean, clearableText, mergeMetadata, metadata, sent, text } from '../api/parameters.ts';
import { apiVersionParameter } from '../api/versions.ts';
import { type Resource, route } from '../resource.ts';
import { snapshotEventTypes } from '../state/event-types.ts';
import type { Transaction } from '../state/transaction.ts';
import {
  refuseBeyondLimit,
  type WebhookEndpoint,
  webhookEndpointTable,
} from '../webhooks/delivery-targets.ts';
import { firstSecret } from '../webhooks/signing-secrets.ts';
import { webhookUrl } from '../webhooks/webhook-url.ts';

const enabledEvents = z
  .array(
    text.refine((type) => type === '*' || snapshotEventTypes.has(type), {
      error: (issue) => `Invalid event type: ${String(issue.input)}`,
    }),
  )
  .min(1);

const createParameters = z.strictObject({
  url: webhookUrl,
  enabled_events: enabledEvents,
  api_version: apiVersionParameter.optional(),
  connect: boolean.optional(),
  description: clearableText.optional(),
  metadata: metadata.optional(),
});

const updateParameters = z.strictObject({
  url: webhookUrl.optional(),
  enabled_events: enabledEvents.optional(),
  description: clearableText.optional(),
  disabled: boolean.optional(),
  metadata: metadata.optional(),
});

/** The answer to the creation is the only one that shows the secret. */
function create(tx: Transaction, parameters: z.infer<typeof createParameters>): object {
  refuseBeyondLimit(tx);
  const secret = tx.newId('whsec');
  const endpoint = tx.put(webhookEndpointTable, {
    id: tx.newId('we'),
    object: 'webhook_endpoint',
    api_version: parameters.api_version ?? null,
    application: null,
    connect: parameters.connect ?? false,
    created: tx.now,
    description: parameters.description ?? null,
    enabled_events: parameters.enabled_events,
    livemode: false,
    metadata: mergeMetadata({}, parameters.metadata),
    secrets: firstSecret(secret),
    status: 'enabled',
    url: parameters.url,
  });
  return { ...render(endpoint), secret };
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
  return render(after);
}

function existing(tx: Transaction, id: string): WebhookEndpoint {
  const endpoint = tx.get(webhookEndpointTable, id);
  if (!endpoint) throw noSuchInPath('webhook endpoint', id);
  return endpoint;
}

function render({ secrets: _secrets, connect: _connect, ...shown }: WebhookEndpoint): object {
  return shown;
}

export const webhookEndpoints: Resource = {
  object: 'webhook_endpoint',
  keeps: 'URL, event types, version, secrets, status',
  expandable: {},
  find: (tx, id) => {
    const endpoint = tx.get(webhookEndpointTable, id);
    return endpoint && render(endpoint);
  },
  routes: [
    route({
      method: 'POST',
      path: '/v1/webhook_endpoints',
      parameters: createParameters,
      differs: '`api_version` changes the `api_version` of events, not their shape',
      handle: ({ tx, parameters }) => create(tx, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/webhook_endpoints/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => render(existing(tx, id)),
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
          render,
          url: '/v1/webhook_endpoints',
        }),
    }),
  ],
};
