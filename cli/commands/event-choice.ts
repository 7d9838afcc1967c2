import { Argument, type Command } from 'commander';
import { type ChosenEvent, eventsById, eventsMatching } from '../../db/replay-events.ts';
import { IGNORED_REASONS, PARKED_REASONS, type WebhookEventStatus } from '../../domain/webhook-event.ts';
import type { Cli } from '../cli.ts';
import { Refused, WrongUsage } from '../exit-codes.ts';
import { wholeNumber } from '../option-values.ts';
import { choosesEvents, eventIds, type FilterOptions, filterOf } from './event-filter.ts';

const CHANGED_DEFAULT = 100;
/** One transaction holds them all. */
const CHANGED_MAX = 1_000;
/** Without `--status`: what waits for somebody. */
const UNSETTLED: readonly WebhookEventStatus[] = ['failed', 'parked'];
const UNSETTLED_OR_IGNORED: readonly WebhookEventStatus[] = [...UNSETTLED, 'ignored'];

export type ChangeOptions = FilterOptions & {
  limit: number;
  actor: string;
  reason?: string;
  dryRun?: true;
  force?: true;
};

/** Adds ids, or options in their place, to a command that changes events. */
export function takesEvents(command: Command): Command {
  const ids = new Argument('[evt_…...]', 'events, by Stripe’s ids; or choose them by options').argParser(
    eventIds,
  );
  return choosesEvents(command.addArgument(ids))
    .option(
      '--limit <n>',
      'how many of those that the options choose at most',
      wholeNumber(1, CHANGED_MAX),
      CHANGED_DEFAULT,
    )
    .option('--dry-run', 'only say what would be done');
}

/** The events that are meant: those named, or those that the options choose. */
export async function choose(
  cli: Cli,
  ids: string[],
  options: ChangeOptions,
): Promise<{ events: ChosenEvent[]; more: boolean }> {
  const { status, statusReason, type, subject, since, until } = options;
  const isFiltered = [status, statusReason, type, subject, since, until].some((one) => one !== undefined);
  if (ids.length === 0 && !isFiltered)
    throw new WrongUsage(
      'name events, or choose them by --status, --status-reason, --type, --subject, --since or --until',
    );
  if (ids.length > 0 && isFiltered) throw new WrongUsage('events are named or chosen by options, not both');
  if (ids.length > CHANGED_MAX) throw new WrongUsage(`at most ${CHANGED_MAX} events at once`);
  warnOfMixUp(options);
  if (ids.length > 0) return { events: await named(cli, ids), more: false };
  const statuses = status ? [status] : statusReason === undefined ? UNSETTLED : UNSETTLED_OR_IGNORED;
  const filter = { ...filterOf(options), statuses };
  const found = await eventsMatching(cli.database(), { filter, limit: options.limit + 1 });
  return { events: found.slice(0, options.limit), more: found.length > options.limit };
}

/** `--reason` is for the audit log; who gives it the name of a status reason means the other option. */
function warnOfMixUp({ reason, statusReason }: ChangeOptions): void {
  const names: readonly string[] = [...IGNORED_REASONS, ...PARKED_REASONS];
  if (statusReason === undefined && reason !== undefined && names.includes(reason))
    throw new WrongUsage(
      `--reason says why you do it; events that are so for ${reason} are chosen by --status-reason`,
    );
}

async function named(cli: Cli, ids: string[]): Promise<ChosenEvent[]> {
  const events = await eventsById(cli.database(), ids);
  const known = new Set(events.map((event) => event.stripeEventId));
  const unknown = ids.filter((id) => !known.has(id));
  if (unknown.length > 0) throw new Refused(`The inbox has no event ${unknown.join(', ')}`);
  return events;
}
