import type { ChosenEvent } from '../../db/replay-events.ts';
import type { ReplayVerdict } from '../../domain/event-replay.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { type Output, table } from '../output.ts';

/** What becomes of one event, as it is shown. */
export type Outcome = {
  stripe_event_id: string;
  event_type: string;
  subject: string | null;
  status: string;
  status_reason: string | null;
  outcome: 'replay' | 'pending' | 'ignore' | 'refused' | 'changed_meanwhile';
  why: string | null;
};
export type Changed = { action: string; isDryRun: boolean; outcomes: Outcome[]; more: boolean };

/** What a verdict means for one event, in words. */
export function outcomeOf(event: ChosenEvent, verdict: ReplayVerdict): Outcome {
  switch (verdict.do) {
    case 'replay':
      return { ...shown(event), subject: verdict.subject, outcome: 'replay', why: null };
    case 'wake':
      return { ...shown(event), outcome: 'pending', why: 'it waits for its sync, which is woken' };
    case 'refuse':
      return { ...shown(event), outcome: 'refused', why: verdict.why };
    default:
      return verdict satisfies never;
  }
}

/** An event as it was found. */
export function shown(event: ChosenEvent): Omit<Outcome, 'outcome' | 'why'> {
  return {
    stripe_event_id: event.stripeEventId,
    event_type: event.eventType,
    subject: event.subject,
    status: event.status,
    status_reason: event.statusReason,
  };
}

/** Prints what was done. */
export function tell(output: Output, changed: Changed, more: { not_woken?: string[] }): ExitCode {
  const { action, isDryRun, outcomes } = changed;
  const answer = { dry_run: isDryRun, events: outcomes, more: changed.more, ...more };
  output.answer(answer, () => outcomeTable(outcomes));
  const isDone = ({ outcome }: Outcome) => outcome === 'replay' || outcome === 'ignore';
  output.note(`${outcomes.filter(isDone).length} ${isDryRun ? `would be ${action}` : action}.`);
  if (changed.more) output.note('There are more like them: run the command again, or raise --limit.');
  const isOpen = outcomes.some(({ outcome }) => outcome === 'refused' || outcome === 'changed_meanwhile');
  return isOpen ? EXIT_CODES.findings : EXIT_CODES.done;
}

function outcomeTable(outcomes: readonly Outcome[]): string {
  return table(
    ['EVENT', 'TYPE', 'SUBJECT', 'WAS', 'REASON', 'OUTCOME'],
    outcomes.map((one) => [
      one.stripe_event_id,
      one.event_type,
      one.subject,
      one.status,
      one.status_reason,
      one.why === null ? one.outcome : `${one.outcome}: ${one.why}`,
    ]),
    'No event is like that.',
  );
}
