import type Stripe from 'stripe';
import { expect } from 'vitest';
import { checkObject } from './object-laws.ts';

/** An object as an event or an answer shows it. */
type Snapshot = Readonly<Record<string, unknown>>;

/** What changes without an event of its own, by kind of object. */
const silent: Readonly<Record<string, readonly string[]>> = {
  customer: ['next_invoice_sequence'],
  invoice: ['attempt_count', 'attempted', 'webhooks_delivered_at'],
};
/** What several events of one change tell: a failed attempt is in `invoice.payment_failed` and in `updated`. */
const toldTwice = ['next_payment_attempt'];
/** Beside another event, of the same change: they show the same. */
const companion =
  /^(charge\.refund\.updated|customer\.subscription\.(paused|resumed|pending_update_applied|pending_update_expired))$/;

/** What holds for the events of every account, whatever has happened. @throws AssertionError */
export function checkLaws(events: readonly Stripe.Event[]): void {
  const known = new Map<unknown, Snapshot>();
  let createdMax = 0;
  for (const event of events) {
    const { created, data, type } = event;
    checkObject(event);
    expect(created, `${type} comes after what was written before it`).toBeGreaterThanOrEqual(createdMax);
    createdMax = created;
    const now = snapshotOf(data.object);
    const previous = data.previous_attributes && snapshotOf(data.previous_attributes);
    if (/\.updated$/.test(type)) expect(previous, `${type} tells what was`).toBeDefined();
    if (/\.(created|deleted)$/.test(type)) expect(previous, `${type} tells nothing else`).toBeUndefined();
    if (companion.test(type)) continue;
    const told = known.get(now.id);
    if (previous && told) {
      const before = spoken(revert(now, previous), toldTwice);
      expect(before, `before ${type} it was as last told`).toEqual(spoken(told, toldTwice));
    }
    known.set(now.id, now);
  }
}

/** Subscriptions and invoices are as their last event shows them: nothing changes in silence. */
export async function checkPresent(stripe: Stripe, events: readonly Stripe.Event[]): Promise<void> {
  const last = new Map(events.map(({ data, type }) => [snapshotOf(data.object).id, { data, type }]));
  for (const { data, type } of last.values()) {
    const told = snapshotOf(data.object);
    const present = type.endsWith('deleted') ? null : await read(stripe, told);
    if (present) expect(spoken(snapshotOf(present)), `${type} told the last of it`).toEqual(spoken(told));
  }
}

async function read(stripe: Stripe, { id, object }: Snapshot): Promise<object | null> {
  if (typeof id !== 'string') return null;
  if (object === 'subscription') return stripe.subscriptions.retrieve(id);
  return object === 'invoice' ? stripe.invoices.retrieve(id) : null;
}

/** As it travels: the client makes objects of decimal numbers. */
function snapshotOf(object: object): Snapshot {
  return JSON.parse(JSON.stringify(object)) as Snapshot;
}

/** The object as it was before an update. */
function revert(now: Snapshot, previous: Snapshot): Snapshot {
  const before: Record<string, unknown> = { ...now };
  for (const [key, was] of Object.entries(previous)) {
    const is = now[key];
    expect(was, `${key} has changed`).not.toEqual(is);
    before[key] = isHash(was) && isHash(is) ? revert(is, was) : was;
  }
  return before;
}

/** Without what is silent, and without nulls: an old value of null is also that of a key which was not there. */
function spoken(object: Snapshot, alsoLeftOut: readonly string[] = []): Snapshot {
  const unspoken = [...(silent[String(object.object)] ?? []), ...alsoLeftOut];
  const told = Object.entries(object).filter(([key]) => !unspoken.includes(key));
  const isTold = (_key: string, value: unknown): unknown => (value === null ? undefined : value);
  return JSON.parse(JSON.stringify(Object.fromEntries(told), isTold)) as Snapshot;
}

function isHash(value: unknown): value is Snapshot {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
