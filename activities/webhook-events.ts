import type { SweepResult } from '../client/contract.ts';
import {
  claimEventsOfKnownCustomers,
  type DueSubject,
  dueSubjects,
  postponeWakes,
} from '../db/due-events.ts';
import { claimParkedEvents, pendingEvents, settleEvents } from '../db/webhook-events.ts';
import { wakeAgainInMs } from '../domain/event-attempts.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { sweepPartTimer } from './sweep-time.ts';

/** Subjects one sweep wakes, more than Stripe's budget lets sync until the next one; what is left is that one's. */
const SUBJECTS_PER_SWEEP_MAX = 1_000;
const CLAIMS_PER_SWEEP_MAX = 5_000;
/** Wakes under way at once. */
const WAKES_AT_ONCE = 8;

export function createWebhookEventActivities(dependencies: ActivityDependencies) {
  const { database, wakeBillingSync, metrics, now } = dependencies;
  return {
    /** Gives a customer's parked events to its tenant; answers how many events wait for a sync now. */
    async claimEvents(options: { customer: string; tenant: string }): Promise<{ pending: number }> {
      const pending = await claimParkedEvents(database, {
        subject: options.customer,
        tenant: options.tenant,
      });
      return { pending };
    },

    /** Does a subject have events that no round has settled? */
    async hasPendingEvents(options: { subject: string }): Promise<boolean> {
      return (await pendingEvents(database, options.subject)).length > 0;
    },

    /** Starts or wakes the billing sync of a subject. */
    async wakeBillingSync(options: { subject: string }): Promise<void> {
      await wakeBillingSync(options.subject);
    },

    /** Settles the events that began a tenant's creation, once it has begun. */
    async settlePurchaseEvents(options: { stripe_event_ids: string[] }): Promise<void> {
      const verdicts = options.stripe_event_ids.map((stripeEventId) => ({
        stripeEventId,
        status: 'processed' as const,
      }));
      await settleEvents(database, { verdicts, tenant: null });
      metrics.eventsSettled({ processed: verdicts.length });
    },

    /**
     * Wakes the subjects whose events are due, a few at a time, and puts off what it woke. A crash in between leaves them
     * due, so a wake may come twice but is never missing.
     */
    async wakeDueSubjects(): Promise<SweepResult> {
      const isOver = sweepPartTimer(now);
      const parkedClaimed = await claimEventsOfKnownCustomers(database, { limit: CLAIMS_PER_SWEEP_MAX });
      const due = await dueSubjects(database, { limit: SUBJECTS_PER_SWEEP_MAX });
      const swept = { subjects: due.length, woken: 0, failed_wakes: 0, retried_events: 0 };
      for (let start = 0; start < due.length && !isOver(); start += WAKES_AT_ONCE) {
        const woken = await wakeTogether(dependencies, due.slice(start, start + WAKES_AT_ONCE));
        swept.woken += woken.woken;
        swept.failed_wakes += woken.failed_wakes;
        swept.retried_events += woken.retried_events;
        // Who refuses a whole group refuses the next one too.
        if (woken.woken === 0) break;
      }
      metrics.swept(swept);
      return { ...swept, parked_claimed: parkedClaimed };
    },
  };
}

type Wakes = Pick<SweepResult, 'woken' | 'failed_wakes' | 'retried_events'>;

/**
 * A subject that was woken is put off; one whose wake was refused stays due, but behind all others, so that it can't keep
 * the next sweep from them.
 */
async function wakeTogether(
  { database, wakeBillingSync, log }: ActivityDependencies,
  subjects: readonly DueSubject[],
): Promise<Wakes> {
  const results = await Promise.allSettled(subjects.map(({ subject }) => wakeBillingSync(subject)));
  const isWoken = (index: number) => results[index]?.status === 'fulfilled';
  await postponeWakes(
    database,
    subjects.map(({ subject, waitedMs }, index) => ({
      subject,
      byMs: isWoken(index) ? wakeAgainInMs(waitedMs) : 0,
    })),
  );
  const refused = results.find((result) => result.status === 'rejected');
  if (refused) log.warn({ err: refused.reason }, 'Temporal refused a wake; the next sweep tries again');
  const woken = subjects.filter((_, index) => isWoken(index));
  return {
    woken: woken.length,
    failed_wakes: subjects.length - woken.length,
    retried_events: woken.reduce((sum, { retriedEvents }) => sum + retriedEvents, 0),
  };
}
