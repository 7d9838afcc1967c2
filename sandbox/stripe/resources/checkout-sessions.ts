import { z } from 'zod';
import { invalidRequest, noSuchInPath } from '../api/errors.ts';
import { embeddedList, listParameters, pageOfRows, pageOfTable } from '../api/lists.ts';
import { isCreatedWithin, mergeMetadata } from '../api/parameters.ts';
import { createSession } from '../billing/checkout/checkout-creation.ts';
import { renderLine } from '../billing/checkout/checkout-lines.ts';
import {
  createSessionParameters,
  type ListSessions,
  listSessionsParameters,
  updateSessionParameters,
} from '../billing/checkout/checkout-parameters.ts';
import { followDelayedFailure, followDelayedSuccess } from '../billing/checkout/checkout-settlement.ts';
import {
  type CheckoutSession,
  changeSession,
  checkoutSessionTable,
  expireSession,
  type StoredSession,
} from '../billing/checkout/checkout-state.ts';
import { type Resource, route } from '../resource.ts';
import { dueWork } from '../state/due-work.ts';
import type { Reaction, Transaction } from '../state/transaction.ts';

function expire(tx: Transaction, id: string): CheckoutSession {
  const stored = existing(tx, id);
  const { status } = stored.session;
  if (status !== 'open') {
    throw invalidRequest({
      message: `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of ${status}.`,
    });
  }
  return expireSession(tx, stored);
}

function existing(tx: Transaction, id: string): StoredSession {
  const stored = tx.get(checkoutSessionTable, id);
  if (!stored) throw noSuchInPath('checkout.session', id);
  return stored;
}

function list(tx: Transaction, parameters: ListSessions): object {
  const filters = (['subscription', 'payment_intent', 'customer'] as const).flatMap((name) => {
    const key = parameters[name];
    return key === undefined ? [] : [{ name, key }];
  });
  const email = parameters.customer_details?.email;
  return pageOfTable(tx, {
    table: checkoutSessionTable,
    index: filters[0],
    parameters,
    where: ({ session }) =>
      filters.every(({ name, key }) => session[name] === key) &&
      (parameters.status === undefined || session.status === parameters.status) &&
      (email === undefined || session.customer_details?.email === email) &&
      isCreatedWithin(session.created, parameters.created),
    render: ({ session }) => session,
    url: '/v1/checkout/sessions',
  });
}

/** A reaction that needs no more than the id of what has changed. */
function byId(follow: (tx: Transaction, id: string) => void): Reaction {
  return (tx, object) => {
    if ('id' in object) follow(tx, String(object.id));
  };
}

export const checkoutSessions: Resource = {
  object: 'checkout.session',
  keeps: 'basket, buyer, what it is to make, payment status; its page',
  expandable: {
    customer: 'customer',
    invoice: 'invoice',
    line_items: (tx, id) =>
      embeddedList(
        existing(tx, id).lines.map((line) => renderLine(tx, line)),
        `/v1/checkout/sessions/${id}/line_items`,
      ),
    payment_intent: 'payment_intent',
    setup_intent: 'setup_intent',
    subscription: 'subscription',
  },
  find: (tx, id) => tx.get(checkoutSessionTable, id)?.session,
  // What a session waits for is an invoice or, without one, an intent: the ids of the two differ.
  reactions: {
    'invoice.paid': byId(followDelayedSuccess),
    'payment_intent.payment_failed': byId(followDelayedFailure),
    'payment_intent.succeeded': byId(followDelayedSuccess),
  },
  due: dueWork(checkoutSessionTable, expireSession),
  routes: [
    route({
      method: 'POST',
      path: '/v1/checkout/sessions',
      parameters: createSessionParameters,
      handle: ({ tx, parameters }) => createSession(tx, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/checkout/sessions/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => existing(tx, id).session,
    }),
    route({
      method: 'POST',
      path: '/v1/checkout/sessions/:id',
      parameters: updateSessionParameters,
      handle: ({ tx, id, parameters }) => {
        const stored = existing(tx, id);
        const merged = mergeMetadata(stored.session.metadata, parameters.metadata);
        return changeSession(tx, stored, { metadata: merged }).session;
      },
    }),
    route({
      method: 'POST',
      path: '/v1/checkout/sessions/:id/expire',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => expire(tx, id),
    }),
    route({
      method: 'GET',
      path: '/v1/checkout/sessions/:id/line_items',
      parameters: z.strictObject(listParameters),
      handle: ({ tx, id, parameters }) =>
        pageOfRows(existing(tx, id).lines, {
          noun: 'item',
          parameters,
          render: (line) => renderLine(tx, line),
          url: `/v1/checkout/sessions/${id}/line_items`,
        }),
    }),
    route({
      method: 'GET',
      path: '/v1/checkout/sessions',
      parameters: listSessionsParameters,
      handle: ({ tx, parameters }) => list(tx, parameters),
    }),
  ],
};
