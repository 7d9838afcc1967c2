import { z } from 'zod';
import { objectNotFound } from '../api/errors.ts';
import { sent } from '../api/parameters.ts';
import { v2ListParameters, v2Page } from '../api/v2-pages.ts';
import { mergeV2Metadata } from '../api/v2-parameters.ts';
import { type Resource, route } from '../resource.ts';
import { renderCoreEvent } from '../state/core-events.ts';
import type { Transaction } from '../state/transaction.ts';
import { type EventDestination, eventDestinationTable } from '../webhooks/delivery-targets.ts';
import {
  type CreateDestination,
  checkDestinationTypes,
  createDestination,
  createDestinationParameters,
  destinationFields,
  endpointUrl,
  signingSecret,
} from '../webhooks/destination-creation.ts';

const path = '/v2/core/event_destinations';
const include = z.array(z.literal(endpointUrl)).optional();
const updateParameters = z.strictObject({
  ...destinationFields,
  name: destinationFields.name.optional(),
  enabled_events: destinationFields.enabled_events.optional(),
  include,
});

function create(tx: Transaction, parameters: CreateDestination): object {
  const { destination, secret } = createDestination(tx, parameters);
  const isSecretShown = parameters.include?.includes(signingSecret) === true;
  return render(destination, parameters.include, isSecretShown ? secret : null);
}

function change(tx: Transaction, id: string, changes: Partial<EventDestination>): EventDestination {
  const before = existing(tx, id);
  return tx.put(eventDestinationTable, { ...before, ...changes, updatedMs: tx.account.clock.nowMs() });
}

function update(tx: Transaction, id: string, parameters: z.infer<typeof updateParameters>): object {
  const { include: included, metadata, webhook_endpoint: endpoint, ...changes } = parameters;
  const before = existing(tx, id);
  if (changes.enabled_events) checkDestinationTypes(changes.enabled_events, before.event_payload);
  const after = change(tx, id, {
    ...sent(changes),
    metadata: mergeV2Metadata(before.metadata, metadata),
    url: endpoint?.url ?? before.url,
  });
  return render(after, included);
}

function existing(tx: Transaction, id: string): EventDestination {
  const destination = tx.get(eventDestinationTable, id);
  if (!destination) throw objectNotFound();
  return destination;
}

/** What does not apply is left out; URL and secret are shown only when asked for. */
function render(
  destination: EventDestination,
  included: readonly string[] = [],
  secret: string | null = null,
): object {
  return {
    id: destination.id,
    object: destination.object,
    created: new Date(destination.createdMs).toISOString(),
    description: destination.description,
    enabled_events: destination.enabled_events,
    event_payload: destination.event_payload,
    events_from: destination.events_from,
    livemode: false,
    metadata: destination.metadata,
    name: destination.name,
    ...(destination.snapshot_api_version === null
      ? {}
      : { snapshot_api_version: destination.snapshot_api_version }),
    status: destination.status,
    ...(destination.status === 'disabled' ? { status_details: { disabled: { reason: 'user' } } } : {}),
    type: 'webhook_endpoint',
    updated: new Date(destination.updatedMs).toISOString(),
    webhook_endpoint: {
      ...(secret === null ? {} : { signing_secret: secret }),
      ...(included.includes(endpointUrl) ? { url: destination.url } : {}),
    },
  };
}

/** A ping is a thin event, whatever the destination's payload; the destination gets it unasked. */
function ping(tx: Transaction, id: string): object {
  const object = existing(tx, id);
  const event = tx.emitThin({ type: 'v2.core.event_destination.ping', object, addressee: id });
  return renderCoreEvent(event, tx.account);
}

export const eventDestinations: Resource = {
  object: 'v2.core.event_destination',
  keeps: 'URL, payload, event types, whose events, secrets, status',
  expandable: {},
  routes: [
    route({
      method: 'POST',
      path,
      parameters: createDestinationParameters,
      differs: 'only webhook endpoints',
      handle: ({ tx, parameters }) => create(tx, parameters),
    }),
    route({
      method: 'GET',
      path: `${path}/:id`,
      parameters: z.strictObject({ include }),
      handle: ({ tx, id, parameters }) => render(existing(tx, id), parameters.include),
    }),
    route({
      method: 'POST',
      path: `${path}/:id`,
      parameters: updateParameters,
      handle: ({ tx, id, parameters }) => update(tx, id, parameters),
    }),
    route({
      method: 'DELETE',
      path: `${path}/:id`,
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => {
        const { object } = existing(tx, id);
        tx.remove(eventDestinationTable, id);
        return { id, object };
      },
    }),
    route({
      method: 'POST',
      path: `${path}/:id/disable`,
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => render(change(tx, id, { status: 'disabled' })),
    }),
    route({
      method: 'POST',
      path: `${path}/:id/enable`,
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => render(change(tx, id, { status: 'enabled' })),
    }),
    route({
      method: 'POST',
      path: `${path}/:id/ping`,
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => ping(tx, id),
    }),
    route({
      method: 'GET',
      path,
      parameters: z.strictObject({ ...v2ListParameters, include }),
      handle: ({ tx, parameters }) =>
        v2Page(tx, {
          table: eventDestinationTable,
          render: (row) => render(row, parameters.include),
          path,
          parameters,
        }),
    }),
  ],
};
