import type { Command } from 'commander';
import { TemporalUnavailable } from '../../client/temporal-unavailable.ts';
import { wakeSubjects } from '../../client/wake-subjects.ts';
import type { Transaction } from '../../db/connect.ts';
import { type ChosenEvent, ignoreEvents, payloadOf, receiveAgain } from '../../db/replay-events.ts';
import {
  isRoutedAgain,
  judgeReplay,
  type ReplayVerdict,
  refusalOfIgnoring,
} from '../../domain/event-replay.ts';
import { routeEvent } from '../../domain/webhook-event.ts';
import { audit } from '../audit.ts';
import { type Author, authorOf, type Cli, changes } from '../cli.ts';
import { type ExitCode, Refused, WrongUsage } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { type ChangeOptions, choose, takesEvents } from './event-choice.ts';
import { type Outcome, outcomeOf, shown, tell } from './event-outcomes.ts';

const REPLAY_EXAMPLES = `
Without --status it takes events that failed or are parked. A sync reads the truth from
Stripe, so nothing is done twice.

Examples:
  tenantry events replay evt_1PgafmB7WZ01zgkW6dKueIc5
  tenantry events replay --status failed --since P1D --dry-run
`;
const IGNORE_EXAMPLE = `
Example:
  tenantry events ignore evt_1PgafmB7WZ01zgkW6dKueIc5 --reason "a test of theirs"
`;

/** The commands that change what becomes of events. */
export function addEventChanges(events: Command, cli: Cli): void {
  const replay = takesEvents(events.command('replay'))
    .description('Have events settled again, as if they had just come.')
    .option('--force', 'also those that are processed; needs --reason');
  changes(replay)
    .addHelpText('after', REPLAY_EXAMPLES)
    .action(
      cli.action((output, ids: string[], options: ChangeOptions) => replayChosen(cli, output, ids, options)),
    );
  const ignore = takesEvents(events.command('ignore')).description(
    'Have events that failed, are parked or wait ignored from now on.',
  );
  changes(ignore, { needsReason: true })
    .addHelpText('after', IGNORE_EXAMPLE)
    .action(
      cli.action((output, ids: string[], options: ChangeOptions) => ignoreChosen(cli, output, ids, options)),
    );
}

async function replayChosen(
  cli: Cli,
  output: Output,
  ids: string[],
  options: ChangeOptions,
): Promise<ExitCode> {
  const { force: isForced = false, dryRun: isDryRun = false } = options;
  if (isForced && options.reason === undefined) throw new WrongUsage('--force needs --reason');
  if (options.status === 'processed' && !isForced)
    throw new Refused('Processed events are replayed with --force and --reason');
  const chosen = await choose(cli, ids, options);
  const judged = await judgeAll(cli, chosen.events, isForced);
  const outcomes = judged.map(({ event, verdict }) => outcomeOf(event, verdict));
  refuseIfNamed(ids, outcomes);
  if (!isDryRun) {
    const replayed = judged.flatMap(({ event, verdict }) =>
      verdict.do === 'replay' ? [{ ...event, subject: verdict.subject }] : [],
    );
    await change(cli, { action: 'events replay', events: replayed, outcomes, options }, (transaction) =>
      receiveAgain(transaction, replayed),
    );
  }
  const subjects = new Set(judged.flatMap(({ verdict }) => (verdict.do === 'refuse' ? [] : verdict.subject)));
  const notWoken = isDryRun ? [] : await wake(cli, output, [...subjects]);
  return tell(output, { action: 'replayed', isDryRun, outcomes, more: chosen.more }, { not_woken: notWoken });
}

async function ignoreChosen(
  cli: Cli,
  output: Output,
  ids: string[],
  options: ChangeOptions,
): Promise<ExitCode> {
  const { dryRun: isDryRun = false } = options;
  const { events, more } = await choose(cli, ids, options);
  const outcomes = events.map((event): Outcome => {
    const why = refusalOfIgnoring(event) ?? null;
    return { ...shown(event), outcome: why === null ? 'ignore' : 'refused', why };
  });
  refuseIfNamed(ids, outcomes);
  const ignored = events.filter((event) => refusalOfIgnoring(event) === undefined);
  if (!isDryRun)
    await change(cli, { action: 'events ignore', events: ignored, outcomes, options }, (transaction) =>
      ignoreEvents(transaction, ignored),
    );
  return tell(output, { action: 'ignored', isDryRun, outcomes, more }, {});
}

type Judged = { event: ChosenEvent; verdict: ReplayVerdict };

/** One payload at a time: each may have a megabyte. */
async function judgeAll(cli: Cli, events: readonly ChosenEvent[], isForced: boolean): Promise<Judged[]> {
  const judged: Judged[] = [];
  for (const event of events) {
    const routed = isRoutedAgain(event)
      ? routeEvent(JSON.parse(await payloadOf(cli.database(), event.stripeEventId)), cli.isLivemode())
      : undefined;
    judged.push({ event, verdict: judgeReplay(event, { isForced, routed }) });
  }
  return judged;
}

/** Who names events means all of them: when one can't be done, none is. */
function refuseIfNamed(ids: string[], outcomes: readonly Outcome[]): void {
  const refused = outcomes.filter(({ outcome }) => outcome === 'refused');
  if (ids.length === 0 || refused.length === 0) return;
  const lines = refused.map(({ stripe_event_id: id, why }) => `${id}: ${why}`);
  throw new Refused(['Nothing was changed.', ...lines].join('\n  '));
}

/** Changes rows and records who did it and why, in one transaction; what changed meanwhile is noted in the outcomes. */
async function change(
  cli: Cli,
  options: { action: string; events: readonly ChosenEvent[]; outcomes: Outcome[]; options: ChangeOptions },
  write: (transaction: Transaction) => Promise<Set<string>>,
): Promise<void> {
  const { action, events, outcomes } = options;
  if (events.length === 0) return;
  await cli.database().transaction(async (transaction) => {
    const written = await write(transaction);
    for (const event of events) {
      const outcome = outcomes.find((one) => one.stripe_event_id === event.stripeEventId);
      if (outcome === undefined || written.has(event.stripeEventId)) continue;
      Object.assign(outcome, { outcome: 'changed_meanwhile', why: 'it was settled in this very moment' });
    }
    const author = authorOf(options.options, action);
    if (written.size > 0) await record(transaction, { action, author, events, ids: [...written] });
  });
}

async function record(
  transaction: Transaction,
  command: { action: string; author: Author; events: readonly ChosenEvent[]; ids: string[] },
): Promise<void> {
  const { action, author, events, ids } = command;
  const tenants = new Set(events.map((event) => event.tenant));
  const [tenant = null] = tenants;
  await audit(transaction, {
    tenant: tenants.size === 1 ? tenant : null,
    ...author,
    action,
    subject: ids.length === 1 ? (ids[0] ?? '') : `${ids.length} events`,
    detail: { events: ids },
  });
}

/** Temporal's absence is no failure: the events are due, and the sweep finds them. */
async function wake(cli: Cli, output: Output, subjects: string[]): Promise<string[]> {
  if (subjects.length === 0) return [];
  const taskQueue = cli.config().TASK_QUEUE;
  const left = await cli
    .temporal()
    .then((client) => wakeSubjects(client, { subjects, taskQueue }))
    .catch((error: unknown) => {
      if (!(error instanceof TemporalUnavailable)) throw error;
      output.note(error.message);
      return subjects;
    });
  if (left.length > 0) output.note(`${left.length} not woken: the sweep takes them as soon as it runs.`);
  return left;
}
