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
    .addOption(new Option('--status <status>', 'events that are this').choices(WEBHOOK_EVENT_STATUSES))
    .option('--status-reason <name>', 'why they are: a reason of docs/operating.md, or the name of a failure')
    .option('--type <type>', 'of this type of Stripe’s, or of all that begin with it: invoice.*')
    .option('--subject <id>', 'of this customer (cus_…), or what else leads to one: sub_…, product:…')
    .option('--since <when>', 'that came since this instant, or so long ago: PT1H', instantAgo)
    .option('--until <when>', 'that came before this instant, or longer ago', instantAgo);
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
