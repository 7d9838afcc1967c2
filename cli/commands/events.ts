import { Argument, type Command } from 'commander';
import { findEvent, type ListedEvent, listEvents } from '../../db/event-list.ts';
import type { Cli } from '../cli.ts';
import { EXIT_CODES, type ExitCode, Refused } from '../exit-codes.ts';
import { LIMIT_OPTION, pageOf, tellNext } from '../list-page.ts';
import { fields, type Output, table } from '../output.ts';
import { addEventChanges } from './event-changes.ts';
import { choosesEvents, eventId, type FilterOptions, filterOf } from './event-filter.ts';

/** `tenantry events …`: the inbox of Stripe's events. */
export function addEvents(program: Command, cli: Cli): void {
  const events = program
    .command('events')
    .description('See, replay and ignore Stripe’s events in the inbox.');
  choosesEvents(events.command('list'))
    .description('List events, the newest first.')
    .option(...LIMIT_OPTION)
    .option('--before <evt_…>', 'go on with what is older than this event', eventId)
    .addHelpText('after', '\nExample:\n  tenantry events list --status failed --since P1D\n')
    .action(cli.action((output, options: ListOptions) => list(cli, output, options)));
  events
    .command('show')
    .description('Show all that is known of an event; with --json also its payload.')
    .addArgument(new Argument('<evt_…>', 'the event, by Stripe’s id').argParser(eventId))
    .action(cli.action((output, id: string) => show(cli, output, id)));
  addEventChanges(events, cli);
}

type ListOptions = FilterOptions & { limit: number; before?: string };

async function list(cli: Cli, output: Output, options: ListOptions): Promise<ExitCode> {
  const { limit, before } = options;
  const database = cli.database();
  if (before !== undefined && (await findEvent(database, before)) === null) throw unknownEvent(before);
  const found = await listEvents(database, { filter: filterOf(options), limit: limit + 1, before });
  const { page: events, next } = pageOf(found, limit, (row) => row.stripe_event_id);
  output.answer({ events, next_before: next }, () => eventTable(events, 'No event is like that.'));
  tellNext(output, next);
  return EXIT_CODES.done;
}

/** Events as people read them. */
export function eventTable(events: readonly ListedEvent[], none: string): string {
  return table(
    ['EVENT', 'CAME', 'TYPE', 'SUBJECT', 'STATUS', 'REASON', 'ATTEMPTS'],
    events.map((event) => [
      event.stripe_event_id,
      event.created_at,
      event.event_type,
      event.subject,
      event.status,
      event.status_reason,
      event.attempts,
    ]),
    none,
  );
}

async function show(cli: Cli, output: Output, id: string): Promise<ExitCode> {
  const event = await findEvent(cli.database(), id);
  if (event === null) throw unknownEvent(id);
  const { payload, ...columns } = event;
  output.answer({ ...columns, payload: JSON.parse(payload) as unknown }, () => fields(columns));
  return EXIT_CODES.done;
}

function unknownEvent(id: string): Refused {
  return new Refused(`The inbox has no event ${id}`);
}
