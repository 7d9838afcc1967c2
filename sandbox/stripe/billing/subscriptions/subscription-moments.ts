import type { Due } from '../../state/table.ts';
import { firstPeriodEnd, hasEnded, type Subscription } from './subscription-shape.ts';

/**
 * What happens to a subscription by itself. Of two at the same second the one that stands first here comes first:
 * what ends a subscription comes before what it would bill.
 */
const kinds = [
  'expire',
  'drop_pending_update',
  'drop_resumption',
  'cancel',
  'end_overdue',
  'resume_collection',
  'tell_trial_end',
  'tell_upcoming',
  'end_trial',
  'renew',
] as const;
export type MomentKind = (typeof kinds)[number];

/** What happens next, and when in unix seconds; null when nothing does. */
export function nextMoment(row: Subscription): { readonly kind: MomentKind; readonly at: number } | null {
  if (hasEnded(row)) return null;
  const moments = momentsOf(row);
  let next: { kind: MomentKind; at: number } | null = null;
  for (const kind of kinds) {
    const at = moments[kind];
    if (at !== null && (!next || at < next.at)) next = { kind, at };
  }
  return next;
}

/** When a stored subscription is due. */
export function dueMoment(row: Subscription): Due | null {
  const next = nextMoment(row);
  return next && { at: next.at, clock: row.test_clock };
}

function momentsOf(row: Subscription): Readonly<Record<MomentKind, number | null>> {
  const { internals, status } = row;
  const isTrial = status === 'trialing';
  const isRunning = status === 'active' || status === 'past_due' || status === 'unpaid';
  return {
    expire: status === 'incomplete' ? internals.expiresAt : null,
    drop_pending_update: row.pending_update?.expires_at ?? null,
    drop_resumption: internals.resumption?.expiresAt ?? null,
    cancel: row.cancel_at,
    end_overdue: internals.overdue?.endsAt ?? null,
    resume_collection: row.pause_collection?.resumes_at ?? null,
    tell_trial_end: isTrial ? internals.trialNoticeAt : null,
    tell_upcoming: isRunning && isToldOfRenewal(row) ? (internals.upcoming?.at ?? null) : null,
    end_trial: isTrial ? row.trial_end : null,
    renew: isRunning ? firstPeriodEnd(row.items) : null,
  };
}

/** Nobody is told of an invoice that will not come, or that nobody will collect. */
function isToldOfRenewal(row: Subscription): boolean {
  if (row.status === 'unpaid' || row.pause_collection !== null) return false;
  return row.cancel_at === null || row.cancel_at > firstPeriodEnd(row.items);
}
