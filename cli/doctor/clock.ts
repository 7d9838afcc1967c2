import { ok, red, type Verdict, warning } from './finding.ts';

/** The gateway refuses signatures that are more than 300 s away from its clock. */
const WARNING_MS = 30_000;
const RED_MS = 240_000;

/** Another clock, read between two looks at ours. */
export type ClockReading = { theirsMs: number; beforeMs: number; afterMs: number };

/** How far another clock is from ours: positive when it is ahead. Ours is taken from the middle of the request. */
export function skewMs({ theirsMs, beforeMs, afterMs }: ClockReading): number {
  return theirsMs - (beforeMs + afterMs) / 2;
}

/** @param whose such as «Stripe’s clock» */
export function clockFinding(whose: string, skew: number): Verdict {
  const seconds = Math.abs(skew) / 1000;
  const distance = `${whose} is ${seconds.toFixed(1)} s ${skew >= 0 ? 'ahead of' : 'behind'} this machine’s`;
  if (Math.abs(skew) <= WARNING_MS) return ok(`${distance}.`);
  const fix = 'Set the clock: let chrony, systemd-timesyncd or ntpd keep it.';
  const detail = `${distance}; signatures more than 300 s away are refused.`;
  return Math.abs(skew) > RED_MS ? red(detail, fix) : warning(detail, fix);
}
