import type { SchemaObject } from 'ajv';

const text = { type: 'string' };
const moment = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' };

/** An event destination, written after stripe-node's `V2.Core.EventDestination`. */
export const eventDestinationSchema: SchemaObject = {
  type: 'object',
  properties: {
    id: { type: 'string', pattern: '^ed_' },
    object: { const: 'v2.core.event_destination' },
    created: moment,
    description: text,
    enabled_events: { type: 'array', items: text, minItems: 1 },
    event_payload: { enum: ['snapshot', 'thin'] },
    events_from: { type: 'array', items: text },
    livemode: { const: false },
    metadata: { type: 'object', additionalProperties: text },
    name: text,
    snapshot_api_version: text,
    status: { enum: ['disabled', 'enabled'] },
    status_details: {
      type: 'object',
      properties: {
        disabled: {
          type: 'object',
          properties: { reason: text },
          required: ['reason'],
          additionalProperties: false,
        },
      },
      additionalProperties: false,
    },
    type: { const: 'webhook_endpoint' },
    updated: moment,
    webhook_endpoint: {
      type: 'object',
      properties: { signing_secret: { type: 'string', pattern: '^whsec_' }, url: text },
      additionalProperties: false,
    },
  },
  required: [
    'created',
    'description',
    'enabled_events',
    'event_payload',
    'id',
    'livemode',
    'name',
    'object',
    'status',
    'type',
    'updated',
  ],
  additionalProperties: false,
};
