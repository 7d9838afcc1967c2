import type { Account } from '../state/account.ts';
import { type CoreEventRecord, customerOf, renderNotification } from '../state/core-events.ts';
import { apiVersion, type EventRecord, eventTable, renderEvent } from '../state/events.ts';
import { type DeliveryTarget, findTarget } from './delivery-targets.ts';

/** One event on its way to one receiver, as the control API shows it. */
export interface Delivery {
  readonly eventId: string;
  readonly eventType: string;
  /** `we_…` of a webhook endpoint, or `ed_…` of an event destination. */
  readonly endpointId: string;
  /** `acct_…` of the connected account in which the event happened; null: the platform's own. */
  readonly account: string | null;
  /** 1 for the first. */
  readonly attempt: number;
}

/** An event in either form. */
export type AnyEvent =
  | { readonly payload: 'snapshot'; readonly record: EventRecord }
  | { readonly payload: 'thin'; readonly record: CoreEventRecord };

/** A delivery with all that it takes to make it. */
export interface Dispatch {
  readonly shown: Delivery;
  readonly event: AnyEvent;
  /** The account in which the event happened. */
  readonly origin: Account;
  /** The account that the receiver belongs to. */
  readonly owner: Account;
  /** `cus_…` of the customer that the event concerns. */
  readonly customer: string | null;
  /** Somebody sends it by hand, beside the automatic attempts. */
  readonly isManual: boolean;
}

/** The first delivery of an event to a receiver. */
export function firstDispatch(event: AnyEvent, origin: Account, target: DeliveryTarget): Dispatch {
  const { record } = event;
  return {
    shown: {
      eventId: record.id,
      eventType: record.type,
      endpointId: target.receiver.id,
      account: origin.id,
      attempt: 1,
    },
    event,
    origin,
    owner: target.owner,
    customer: event.payload === 'thin' ? event.record.customer : customerOf(event.record.data.object),
    isManual: false,
  };
}

/** The next attempt at the same delivery. */
export function nextAttempt(dispatch: Dispatch): Dispatch {
  return { ...dispatch, shown: { ...dispatch.shown, attempt: dispatch.shown.attempt + 1 } };
}

/** Where it goes; undefined when the receiver is disabled or gone. */
export function targetOf({ owner, shown }: Dispatch): DeliveryTarget | undefined {
  const target = findTarget(owner, shown.endpointId);
  return target?.receiver.status === 'enabled' ? target : undefined;
}

/** The body, indented as Stripe sends it: whoever parses and prints before verifying breaks the signature. */
export function bodyOf(dispatch: Dispatch, target: DeliveryTarget): string {
  return JSON.stringify(payloadOf(dispatch, target), null, 2);
}

/**
 * An event's `api_version` is that of its receiver; its object keeps the shape of the one version that there is. An
 * event of a connected account names it to the platform.
 */
function payloadOf({ event, origin }: Dispatch, target: DeliveryTarget): object {
  if (event.payload === 'thin') return renderNotification(event.record, origin);
  // The stored row knows who has acknowledged since; it may have been forgotten.
  const record = origin.table(eventTable).get(event.record.id) ?? event.record;
  return {
    ...renderEvent(record),
    api_version: target.apiVersion ?? apiVersion,
    ...(origin === target.owner || origin.id === null ? {} : { account: origin.id }),
  };
}
