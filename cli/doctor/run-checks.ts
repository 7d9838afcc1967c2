import pTimeout from 'p-timeout';
import { describeError } from '../error-text.ts';
import type { CheckName, Finding, Verdict } from './finding.ts';

/** Above the limits of all that a check waits for: one of those says more than «no answer». */
const DEADLINE_MS = 15_000;

/** A check comes to one verdict or several. What it throws becomes a finding too. */
export type Check = () => Promise<readonly Verdict[]>;

/** What a check needs isn't there; the check of that says why. */
export class NotLookedAt extends Error {
  override readonly name = 'NotLookedAt';
}

/** Trouble that a check has words for. */
export class Trouble extends Error {
  override readonly name = 'Trouble';
  readonly fix: string;

  constructor(detail: string, fix: string) {
    super(detail);
    this.fix = fix;
  }
}

/**
 * Runs all checks at the same time. Each has a deadline, and whatever one throws is its own finding, so that the trouble of
 * one never hides another's.
 *
 * @returns at least one finding for every check, in the order of the checks
 */
export async function runChecks(
  checks: Readonly<Record<CheckName, Check>>,
  options: { deadlineMs?: number } = {},
): Promise<Finding[]> {
  const { deadlineMs = DEADLINE_MS } = options;
  const names = Object.keys(checks) as CheckName[];
  const findings = await Promise.all(
    names.map(async (check) =>
      (await verdictsOf(checks[check], deadlineMs)).map((verdict) => ({ check, ...verdict })),
    ),
  );
  return findings.flat();
}

async function verdictsOf(check: Check, deadlineMs: number): Promise<readonly Verdict[]> {
  const late = new Trouble(
    `No answer within ${deadlineMs / 1000} s.`,
    'Look at the network and the load of what this check asks, then run it again.',
  );
  try {
    return await pTimeout(check(), { milliseconds: deadlineMs, message: late });
  } catch (error) {
    return [verdictOf(error)];
  }
}

function verdictOf(error: unknown): Verdict {
  if (error instanceof NotLookedAt) {
    return { status: 'warning', detail: `Not looked at: ${error.message}.`, fix: null };
  }
  const fix =
    error instanceof Trouble ? error.fix : 'Run doctor again; if it stays, the detail says what to look for.';
  return { status: 'red', detail: describeError(error), fix };
}
