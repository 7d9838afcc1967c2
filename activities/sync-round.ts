import type { NotedEvent } from '../db/webhook-events.ts';
import type { EventVerdict } from '../domain/billing-sync.ts';
import type { CreateTenantInput } from '../domain/create-tenant-input.ts';

/** What one round of a subject's sync did. */
export type SyncRound = {
  processed: number;
  ignored: number;
  parked: number;
  tenant: string | null;
  licensed_user_count: number | null;
  /** More events were pending than one round settles. */
  more: boolean;
  /** A tenant whose creation has to begin, and the events to settle then. */
  purchase?: { input: CreateTenantInput; stripe_event_ids: string[] };
  /** Subscriptions whose dunning has to be woken: they became unpaid, or what they owe changed. */
  dunned?: string[];
  /** The subject led to this customer, under which its events are filed now. */
  customer?: string;
  /** The subject led to this product's own subject, under which its events are filed now. */
  product?: string;
};

/** What one kind of subject makes of its pending events. */
export type Round = Omit<SyncRound, 'more'>;

export type Pending = { subject: string; events: NotedEvent[] };

export const NOTHING: Round = {
  processed: 0,
  ignored: 0,
  parked: 0,
  tenant: null,
  licensed_user_count: null,
};

export function counted(verdicts: readonly EventVerdict[]): Pick<Round, 'processed' | 'ignored' | 'parked'> {
  const count = (status: EventVerdict['status']) =>
    verdicts.filter((verdict) => verdict.status === status).length;
  return { processed: count('processed'), ignored: count('ignored'), parked: count('parked') };
}
