import { invalidRequest } from '../../api/errors.ts';
import type { Subscription } from './subscription-state.ts';

const daySeconds = 86_400;
/** Stripe tells about a trial's end this long before, or at once when the trial is shorter. */
const noticeSeconds = 3 * daySeconds;

/**
 * When a trial that a request asks for ends.
 * @param now unix seconds, by the time that the subscription lives by
 * @returns null for no trial
 * @throws StripeError 400 for a moment that has passed
 */
export function trialEndOf(
  now: number,
  asked: { trial_end?: 'now' | number | undefined; trial_period_days?: number | undefined },
): number | null {
  const { trial_end: end, trial_period_days: days } = asked;
  if (end !== undefined && days !== undefined) {
    const message = 'You may only specify one of these parameters: trial_end, trial_period_days.';
    throw invalidRequest({ param: 'trial_end', message });
  }
  if (typeof end === 'number' && end <= now) {
    const message = 'Invalid timestamp: must be an integer Unix timestamp in the future.';
    throw invalidRequest({ param: 'trial_end', message });
  }
  if (typeof end === 'number') return end;
  return days ? now + days * daySeconds : null;
}

/** When `trial_will_end` is to be sent for a trial that ends then; null: at once. */
export function trialNoticeAt(now: number, trialEnd: number): number | null {
  return trialEnd - noticeSeconds > now ? trialEnd - noticeSeconds : null;
}

/** How a subscription in a trial differs from one without. */
export function trialOf(
  now: number,
  trialEnd: number,
): Pick<Subscription, 'status' | 'trial_end' | 'trial_start'> {
  return { status: 'trialing', trial_end: trialEnd, trial_start: now };
}
