import type { SchemaObject } from 'ajv';

const text = { type: 'string', minLength: 1 };

/**
 * A thin event, in a delivery as in the API. The specification has no `/v2` at all, so this is written after
 * stripe-node's `V2.Core.EventBase`; `context` and `reason` are null where they do not apply.
 */
export const thinEventSchema: SchemaObject = {
  type: 'object',
  properties: {
    id: { type: 'string', pattern: '^evt_' },
    object: { const: 'v2.core.event' },
    type: text,
    created: { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{3})?Z$' },
    livemode: { type: 'boolean' },
    context: { type: ['string', 'null'] },
    related_object: {
      type: ['object', 'null'],
      properties: { id: text, type: text, url: { type: 'string', pattern: '^/v[12]/' } },
      required: ['id', 'type', 'url'],
      additionalProperties: false,
    },
    reason: {
      type: ['object', 'null'],
      properties: {
        type: { const: 'request' },
        request: {
          type: 'object',
          properties: { id: text, idempotency_key: { type: ['string', 'null'] } },
          required: ['id', 'idempotency_key'],
          additionalProperties: false,
        },
      },
      required: ['type', 'request'],
      additionalProperties: false,
    },
    changes: { type: 'object' },
    // In the API only.
    data: { type: 'object' },
    snapshot_event: { type: 'string', pattern: '^evt_' },
  },
  required: ['id', 'object', 'type', 'created', 'livemode'],
  additionalProperties: false,
};
