import { z } from 'zod';
import { objectNotFound } from '../api/errors.ts';
import { isCreatedWithin, text, timestamp } from '../api/parameters.ts';
import { v2ListParameters, v2Page } from '../api/v2-pages.ts';
import { type Resource, route } from '../resource.ts';
import { type CoreEventRecord, coreEventTable, renderCoreEvent } from '../state/core-events.ts';
import { eventsHorizonSeconds } from '../state/events.ts';
import type { Transaction } from '../state/transaction.ts';

/** Stripe's limit. */
const typesMax = 20;

/** Unix seconds, as stripe-node sends a Date or a number, or an ISO 8601 time. */
const moment = z.union([timestamp, z.iso.datetime().transform((value) => Date.parse(value) / 1_000)]);
// Events have whole seconds, so a bound between two of them is as good as the one beside it.
const roundedUp = moment.transform(Math.ceil).optional();
const roundedDown = moment.transform(Math.floor).optional();

const listParameters = z.strictObject({
  ...v2ListParameters,
  created: z.strictObject({ gt: roundedDown, gte: roundedUp, lt: roundedUp, lte: roundedDown }).optional(),
  object_id: text.optional(),
  types: z.array(text).min(1).max(typesMax).optional(),
});

function isRecent(tx: Transaction, record: CoreEventRecord): boolean {
  return record.created > tx.now - eventsHorizonSeconds;
}

/** The events of the v2 API. Those of the v1 API's objects have the thin form there. */
export const coreEvents: Resource = {
  object: 'v2.core.event',
  keeps: 'type, related object, request, snapshot twin; for 30 days, and so many of them',
  expandable: {},
  routes: [
    route({
      method: 'GET',
      path: '/v2/core/events/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => {
        const record = tx.get(coreEventTable, id);
        if (!record || !isRecent(tx, record)) throw objectNotFound();
        return renderCoreEvent(record, tx.account);
      },
    }),
    route({
      method: 'GET',
      path: '/v2/core/events',
      parameters: listParameters,
      handle: ({ tx, parameters }) => {
        const { object_id: object, types, created } = parameters;
        return v2Page(tx, {
          table: coreEventTable,
          index: object === undefined ? undefined : { name: 'object', key: object },
          where: (record) =>
            isRecent(tx, record) &&
            (types === undefined || types.includes(record.type)) &&
            isCreatedWithin(record.created, created),
          render: (record) => renderCoreEvent(record, tx.account),
          path: '/v2/core/events',
          parameters,
        });
      },
    }),
  ],
};
