import type { Client } from '@temporalio/client';
import { TemporalUnavailable, withinDeadline } from './temporal-unavailable.ts';
import { wakeBillingSync } from './wake-billing-sync.ts';

const WAKES_AT_ONCE_MAX = 10;
const WAKE_TIMEOUT_MS = 5_000;

/**
 * Wakes the billing sync of many subjects, a few at a time. Once Temporal is away no other one is tried: the sweep finds
 * their events.
 *
 * @returns the subjects that were not woken
 */
export async function wakeSubjects(
  client: Client,
  options: { subjects: readonly string[]; taskQueue: string },
): Promise<string[]> {
  const waiting = [...options.subjects];
  const left: string[] = [];
  let isAway = false;
  const wakeOneAfterTheOther = async () => {
    for (let subject = waiting.pop(); subject !== undefined; subject = waiting.pop()) {
      if (isAway || !(await wake(subject))) left.push(subject);
    }
  };
  const wake = async (subject: string) => {
    const { taskQueue } = options;
    try {
      await withinDeadline(client, WAKE_TIMEOUT_MS, () =>
        wakeBillingSync(client.workflow, { subject, taskQueue }),
      );
      return true;
    } catch (error) {
      isAway ||= error instanceof TemporalUnavailable;
      return false;
    }
  };
  await Promise.all(Array.from({ length: WAKES_AT_ONCE_MAX }, wakeOneAfterTheOther));
  return left;
}
