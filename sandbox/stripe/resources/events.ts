import { z } from 'zod';
import { invalidRequest, noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import { boolean, createdFilter, isCreatedWithin, text } from '../api/parameters.ts';
import { type Resource, route } from '../resource.ts';
import { type EventRecord, eventsHorizonSeconds, eventTable, renderEvent } from '../state/events.ts';
import type { Transaction } from '../state/transaction.ts';

/** Stripe's limit. */
const typesMax = 20;

const listSchema = z.strictObject({
  ...listParameters,
  created: createdFilter,
  delivery_success: boolean.optional(),
  type: text.optional(),
  types: z.array(text).max(typesMax).optional(),
});

/** Whether an event passes a list's filter. `invoice.*` stands for every type below it. */
function passes(record: EventRecord, filter: z.infer<typeof listSchema>): boolean {
  // Not yet acknowledged counts as not delivered, however fresh the event is.
  if (filter.delivery_success !== undefined && (record.awaiting.length === 0) !== filter.delivery_success) {
    return false;
  }
  const wanted = filter.type === undefined ? filter.types : [filter.type];
  return (
    (wanted === undefined || wanted.some((type) => matches(record.type, type))) &&
    isCreatedWithin(record.created, filter.created)
  );
}

function matches(type: string, pattern: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

function isRecent(tx: Transaction, record: EventRecord): boolean {
  return record.created > tx.now - eventsHorizonSeconds;
}

export const events: Resource = {
  object: 'event',
  keeps:
    'the object as it was, its old values, the request, who has not acknowledged; for 30 days, and so many of them',
  expandable: {},
  find: (tx, id) => {
    const record = tx.get(eventTable, id);
    return record && renderEvent(record);
  },
  routes: [
    route({
      method: 'GET',
      path: '/v1/events/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => {
        const record = tx.get(eventTable, id);
        if (!record || !isRecent(tx, record)) throw noSuchInPath('event', id);
        return renderEvent(record);
      },
    }),
    route({
      method: 'GET',
      path: '/v1/events',
      parameters: listSchema,
      handle: ({ tx, parameters }) => {
        if (parameters.type !== undefined && parameters.types !== undefined) {
          throw invalidRequest({
            param: 'types',
            message: 'You may only specify one of these parameters: type, types.',
          });
        }
        const isOneType = parameters.type !== undefined && !parameters.type.endsWith('*');
        return pageOfTable(tx, {
          table: eventTable,
          index: isOneType ? { name: 'type', key: parameters.type ?? '' } : undefined,
          parameters,
          where: (record) => isRecent(tx, record) && passes(record, parameters),
          render: renderEvent,
          url: '/v1/events',
        });
      },
    }),
  ],
};
