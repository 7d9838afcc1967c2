import { invalidRequest } from '../api/errors.ts';
import type { Metadata } from '../api/parameters.ts';
import type { Account } from '../state/account.ts';
import { defineTable } from '../state/table.ts';
import type { Transaction } from '../state/transaction.ts';
import { rolledSecrets, type SigningSecret } from './signing-secrets.ts';

/** Stripe's limit per account, for webhook endpoints and event destinations together. */
const targetsMax = 16;

/** What both kinds of receivers have. */
interface Receiver {
  readonly id: string;
  readonly url: string;
  readonly status: 'enabled' | 'disabled';
  readonly enabled_events: readonly string[];
  /** Newest first. */
  readonly secrets: readonly SigningSecret[];
}

/** A receiver made through `/v1/webhook_endpoints`. */
export interface WebhookEndpoint extends Receiver {
  readonly object: 'webhook_endpoint';
  readonly api_version: string | null;
  readonly application: null;
  /** Whether it gets the events of connected accounts, in place of those of its own account. */
  readonly connect: boolean;
  readonly created: number;
  readonly description: string | null;
  readonly livemode: false;
  readonly metadata: Metadata;
}

/** A receiver made through `/v2/core/event_destinations`. */
export interface EventDestination extends Receiver {
  readonly object: 'v2.core.event_destination';
  /** Milliseconds since 1970. */
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly description: string;
  readonly name: string;
  readonly event_payload: 'snapshot' | 'thin';
  readonly events_from: readonly ('@accounts' | '@self')[];
  readonly metadata: Metadata;
  readonly snapshot_api_version: string | null;
}

export const webhookEndpointTable = defineTable<WebhookEndpoint>({ noun: 'webhook endpoint', indexes: {} });
export const eventDestinationTable = defineTable<EventDestination>({
  noun: 'event destination',
  indexes: {},
});

/** A receiver as deliveries see it. */
export interface DeliveryTarget {
  readonly receiver: Receiver;
  /** The account that it belongs to. */
  readonly owner: Account;
  readonly payload: 'snapshot' | 'thin';
  /** That snapshot events are to be written in; null: the account's own. */
  readonly apiVersion: string | null;
  /** Whether it takes events of its own account, and of connected ones. */
  readonly takes: { readonly own: boolean; readonly connected: boolean };
}

/** An event that looks for its receivers. */
export interface Addressed {
  readonly type: string;
  readonly payload: 'snapshot' | 'thin';
  /** The account in which it happened. */
  readonly origin: Account;
  /** The only receiver that gets it; null for all that want it. */
  readonly addressee: string | null;
}

/** The enabled receivers that an event goes to: its account's own, and those of the platform for connected accounts. */
export function targetsFor(event: Addressed, platform: Account): DeliveryTarget[] {
  if (event.addressee !== null) {
    const target = findTarget(event.origin, event.addressee);
    return target ? [target] : [];
  }
  const own = targetsOf(event.origin).filter(({ takes }) => takes.own);
  const abroad = event.origin === platform ? [] : targetsOf(platform).filter(({ takes }) => takes.connected);
  return [...own, ...abroad].filter((target) => wants(target, event));
}

/** A receiver by its id. */
export function findTarget(owner: Account, id: string): DeliveryTarget | undefined {
  const endpoint = owner.table(webhookEndpointTable).get(id);
  if (endpoint) return ofEndpoint(owner, endpoint);
  const destination = owner.table(eventDestinationTable).get(id);
  return destination && ofDestination(owner, destination);
}

/** @throws StripeError 400 when the account has as many receivers as Stripe allows */
export function refuseBeyondLimit(tx: Transaction): void {
  if (tx.table(webhookEndpointTable).size + tx.table(eventDestinationTable).size < targetsMax) return;
  throw invalidRequest({ message: `You have reached the maximum of ${targetsMax} webhook endpoints.` });
}

/**
 * Gives a receiver a new signing secret; the one before stays good for a while. There is no API request for it.
 * @returns the new secret
 * @throws Error when there is no such receiver
 */
export function rollSecret(tx: Transaction, id: string, expiresAfterMs: number): string {
  const value = tx.newId('whsec');
  const rolled = (secrets: readonly SigningSecret[]): readonly SigningSecret[] =>
    rolledSecrets(secrets, { value, nowMs: tx.account.clock.nowMs(), expiresAfterMs });
  const endpoint = tx.get(webhookEndpointTable, id);
  const destination = tx.get(eventDestinationTable, id);
  if (endpoint) tx.put(webhookEndpointTable, { ...endpoint, secrets: rolled(endpoint.secrets) });
  else if (destination)
    tx.put(eventDestinationTable, { ...destination, secrets: rolled(destination.secrets) });
  else throw new Error(`no webhook endpoint or event destination ${id}`);
  return value;
}

function targetsOf(owner: Account): DeliveryTarget[] {
  return [
    ...[...owner.table(webhookEndpointTable).oldestFirst()].map((row) => ofEndpoint(owner, row)),
    ...[...owner.table(eventDestinationTable).oldestFirst()].map((row) => ofDestination(owner, row)),
  ];
}

function ofEndpoint(owner: Account, row: WebhookEndpoint): DeliveryTarget {
  return {
    receiver: row,
    owner,
    payload: 'snapshot',
    apiVersion: row.api_version,
    takes: { own: !row.connect, connected: row.connect },
  };
}

function ofDestination(owner: Account, row: EventDestination): DeliveryTarget {
  return {
    receiver: row,
    owner,
    payload: row.event_payload,
    apiVersion: row.snapshot_api_version,
    takes: { own: row.events_from.includes('@self'), connected: row.events_from.includes('@accounts') },
  };
}

function wants({ receiver, payload }: DeliveryTarget, event: Addressed): boolean {
  if (receiver.status !== 'enabled' || payload !== event.payload) return false;
  return receiver.enabled_events.includes('*') || receiver.enabled_events.includes(event.type);
}
