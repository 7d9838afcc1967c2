import { claimParkedEvents, settleEvents, subjectsToWake } from '../db/webhook-events.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** A row that waited this long was missed by its waker. */
const PENDING_FOR_MS = 30_000;
/** Subjects one sweep wakes; what is left is found by the next one. */
const SUBJECTS_PER_SWEEP_MAX = 1_000;
/** Wakes under way at once. */
const WAKES_AT_ONCE = 8;

export function createWebhookEventActivities({ database, wakeBillingSync }: ActivityDependencies) {
  return {
    /** Gives a customer's parked events to its tenant; answers how many events wait for a sync now. */
    async claimEvents(options: { customer: string; tenant: string }): Promise<{ pending: number }> {
      const pending = await claimParkedEvents(database, {
        subject: options.customer,
        tenant: options.tenant,
      });
      return { pending };
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
    },

    /** Wakes every subject whose events wait for too long, a few at a time. */
    async wakeDueSubjects(): Promise<{ subjects: number; woken: number }> {
      const subjects = await subjectsToWake(database, {
        pendingForMs: PENDING_FOR_MS,
        limit: SUBJECTS_PER_SWEEP_MAX,
      });
      let woken = 0;
      for (let start = 0; start < subjects.length; start += WAKES_AT_ONCE) {
        const results = await Promise.allSettled(
          subjects.slice(start, start + WAKES_AT_ONCE).map(wakeBillingSync),
        );
        woken += results.filter((result) => result.status === 'fulfilled').length;
      }
      return { subjects: subjects.length, woken };
    },
  };
}
