import { ok, red, type Verdict } from './finding.ts';

/** What of Temporal's description decides. */
export type DescribedSchedule = {
  spec: { intervals?: readonly { every: number }[] };
  state: { paused: boolean };
  info: {
    recentActions: readonly { takenAt: Date }[];
    nextActionTimes: readonly Date[];
    createdAt: Date;
    lastUpdatedAt?: Date | undefined;
  };
};

/** Beside two intervals: a server that was restarted catches up first. */
const LATE_MARGIN_MS = 90_000;

/** A schedule that is there, isn't paused and has begun a run lately. @param schedule undefined: there is none of this id */
export function scheduleFinding(id: string, schedule: DescribedSchedule | undefined, now: Date): Verdict {
  if (schedule === undefined) return red(`There is no schedule ${id}.`, 'npm run setup');
  if (schedule.state.paused) {
    const fix = `temporal schedule toggle --unpause --schedule-id ${id}`;
    return red(`${id} is paused.`, fix);
  }
  const { recentActions, nextActionTimes, createdAt, lastUpdatedAt = createdAt } = schedule.info;
  const last = recentActions.at(-1)?.takenAt;
  // A new or changed schedule had no chance yet.
  const since = Math.max(last?.getTime() ?? 0, createdAt.getTime(), lastUpdatedAt.getTime());
  const every = Math.min(...(schedule.spec.intervals ?? []).map((interval) => interval.every));
  const next = nextActionTimes[0]?.getTime() ?? Number.POSITIVE_INFINITY;
  const isLate = now.getTime() > Math.min(since + 2 * every, next) + LATE_MARGIN_MS;
  const lastRun = last === undefined ? 'has not run yet' : `last ran at ${last.toISOString()}`;
  if (!isLate) return ok(`${id} ${lastRun}.`);
  return red(
    `${id} ${lastRun} and should have since.`,
    `Look at the finding of pollers and at its last run: temporal schedule describe --schedule-id ${id}`,
  );
}
