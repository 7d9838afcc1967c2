import { type Command, InvalidArgumentError, Option } from 'commander';
import type { EventFilter } from '../../db/event-list.ts';
import { WEBHOOK_EVENT_STATUSES, type WebhookEventStatus } from '../../domain/webhook-event.ts';
import { instantAgo } from '../option-values.ts';

/** Stripe doesn't promise more of an id than this. */
const STRIPE_EVENT_ID = /^evt_\w{1,250}$/;

export type FilterOptions = {
  status?: WebhookEventStatus;
  statusReason?: string;
  type?: string;
  subject?: string;
  since?: Date;
  until?: Date;
};

/** Adds the options that choose events. */
export function choosesEvents(command: Command): Command {
  return command
    .addOption(new Option('--status <status>', 'only events of this status').choices(WEBHOOK_EVENT_STATUSES))
    .option('--status-reason <name>', 'only events with this reason beside their status')
    .option('--type <type>', 'only events of this Stripe type; invoice.* stands for all that begin so')
    .option('--subject <id>', 'only events about this customer (cus_…), or what else they are filed under')
    .option(
      '--since <when>',
      'only events that came since this instant, or within this time: PT1H',
      instantAgo,
    )
    .option(
      '--until <when>',
      'only events that came before this instant, or longer ago than this',
      instantAgo,
    );
}

export function filterOf(options: FilterOptions): EventFilter {
  const { status, statusReason, type, subject, since, until } = options;
  return { statuses: status && [status], statusReason, type, subject, since, until };
}

/** Takes one of Stripe's event ids. */
export function eventId(text: string): string {
  if (STRIPE_EVENT_ID.test(text)) return text;
  throw new InvalidArgumentError('It must be a Stripe id that begins with evt_.');
}

/** Takes several, one argument after the other. */
export function eventIds(text: string, before: string[] | undefined): string[] {
  return [...new Set([...(before ?? []), eventId(text)])];
}
