import { z } from 'zod';
import type { DunningOutcome, DunningSituation } from './dunning.ts';
import { announcingIndex, type DunningEffect } from './dunning-policy.ts';
import { stripeInvoiceIdSchema } from './ids.ts';
import type { UnpaidInvoice } from './invoice.ts';
import { actorAndReason } from './operator-command.ts';
import { read } from './read.ts';

export const EXTENSION_DAYS_MAX = 365;
const PAUSE_DAYS_MAX = 366;
const DAY_MS = 24 * 60 * 60 * 1000;
const STAGE_LENGTH_MAX = 64;

const schemas = {
  pause: z.strictObject({ ...actorAndReason, until: z.iso.datetime({ offset: true }) }),
  resume: z.strictObject(actorAndReason),
  extend: z.strictObject({ ...actorAndReason, days: z.int().min(1).max(EXTENSION_DAYS_MAX) }),
  skipStage: z.strictObject({ ...actorAndReason, stage: z.string().max(STAGE_LENGTH_MAX).optional() }),
  retryPaymentNow: z.strictObject(actorAndReason),
  excludeInvoice: z.strictObject({ ...actorAndReason, invoice: stripeInvoiceIdSchema }),
  writeOff: z.strictObject(actorAndReason),
} as const;

export type DunningCommandName = keyof typeof schemas;
export const DUNNING_COMMANDS = Object.keys(schemas) as DunningCommandName[];

export type DunningCommand = {
  [Name in DunningCommandName]: { name: Name } & z.output<(typeof schemas)[Name]>;
}[DunningCommandName];

/** An operator's command from outside. @throws Failure InvalidInput naming every wrong field */
export function readDunningCommand(name: DunningCommandName, value: unknown): DunningCommand {
  const schema: z.ZodType<object> = schemas[name];
  return { name, ...read(schema, value) } as DunningCommand;
}

/** What has to be known of a case to judge a command. */
export type CommandedCase = {
  outcome: string | null;
  pausedUntil: Date | null;
  extendedDays: number;
  isUnreachable: boolean;
  isWriteOffRequested: boolean;
  /** The anchor's stages in order, without those that were skipped. */
  stages: readonly {
    name: string;
    notice?: string | undefined;
    effect?: DunningEffect | undefined;
    isEntered: boolean;
  }[];
  anchor: { id: string; isCharged: boolean; isProcessing: boolean } | null;
  unpaidInvoices: readonly string[];
  excludedInvoices: readonly string[];
};

/** A case as it stands, in the terms in which commands are judged. */
export function commandedCase({
  file,
  situation,
  anchor,
}: {
  file: DunningSituation['file'] & {
    outcome: DunningOutcome | null;
    extendedDays: number;
    isUnreachable: boolean;
  };
  situation: DunningSituation;
  anchor: UnpaidInvoice | undefined;
}): CommandedCase {
  return {
    outcome: file.outcome,
    pausedUntil: file.pausedUntil !== null && file.pausedUntil > situation.now ? file.pausedUntil : null,
    extendedDays: file.extendedDays,
    isUnreachable: file.isUnreachable,
    isWriteOffRequested: file.isWriteOffRequested,
    stages: situation.calendar.stages.map((stage) => ({
      ...stage,
      isEntered: file.steps.some((step) => step.anchor === anchor?.id && step.stage === stage.name),
    })),
    anchor:
      anchor === undefined
        ? null
        : {
            id: anchor.id,
            isCharged: anchor.collectionMethod === 'charge_automatically',
            isProcessing: anchor.isProcessing,
          },
    unpaidInvoices: situation.unpaid.map((invoice) => invoice.id),
    excludedInvoices: file.excludedInvoices,
  };
}

/** Why a command makes no sense now, as a sentence for whoever gave it; undefined when it does. */
export function refusalOf(command: DunningCommand, dunned: CommandedCase, now: Date): string | undefined {
  if (dunned.outcome !== null) return `The case is over: ${dunned.outcome}`;
  switch (command.name) {
    case 'pause':
      return refusalOfPause(new Date(command.until), now);
    case 'resume':
      return dunned.pausedUntil !== null || dunned.isUnreachable
        ? undefined
        : 'The case is neither paused nor waiting for an address';
    case 'extend':
      return refusalOfExtension(command.days, dunned);
    case 'skipStage':
      return refusalOfSkip(stageToSkip(command.stage, dunned), command.stage, dunned);
    case 'retryPaymentNow':
      return refusalOfRetry(dunned);
    case 'excludeInvoice':
      return refusalOfExclusion(command.invoice, dunned);
    case 'writeOff':
      return dunned.isWriteOffRequested ? 'The case is being written off already' : undefined;
    default:
      return command satisfies never;
  }
}

/** The stage that a command leaves out: the one it names, or the next one. */
export function stageToSkip(
  named: string | undefined,
  { stages }: Pick<CommandedCase, 'stages'>,
): string | undefined {
  const entered = stages.findLastIndex((stage) => stage.isEntered);
  return named ?? stages[entered + 1]?.name;
}

function refusalOfPause(until: Date, now: Date): string | undefined {
  if (until <= now) return 'until is in the past';
  const isTooLong = until.getTime() - now.getTime() > PAUSE_DAYS_MAX * DAY_MS;
  return isTooLong ? `until is more than ${PAUSE_DAYS_MAX} days away` : undefined;
}

function refusalOfExtension(days: number, { extendedDays, stages }: CommandedCase): string | undefined {
  if (stages.at(-1)?.isEntered) return 'No stage is left that could be put off';
  const total = extendedDays + days;
  return total > EXTENSION_DAYS_MAX
    ? `The case would be extended by ${total} days, ${EXTENSION_DAYS_MAX} are allowed`
    : undefined;
}

function refusalOfSkip(
  skipped: string | undefined,
  named: string | undefined,
  { stages }: CommandedCase,
): string | undefined {
  const index = stages.findIndex((stage) => stage.name === skipped);
  const stage = stages[index];
  if (stage === undefined)
    return named === undefined ? 'No stage is left' : `There is no stage ${named} to come`;
  if (stage.isEntered) return `Stage ${stage.name} was entered already`;
  if (index === stages.length - 1) return `Stage ${stage.name} ends the case and can’t be left out`;
  const others = stages.filter((other) => other !== stage);
  // Also of one that was entered: the case may come to follow another invoice, of which it was not.
  const untold = others.find(
    (other, place) => other.effect !== undefined && announcingIndex(others, place) === undefined,
  );
  return untold ? `Stage ${stage.name} announces what ${untold.name} does` : undefined;
}

function refusalOfRetry({ anchor }: CommandedCase): string | undefined {
  if (anchor === null) return 'No invoice is unpaid';
  if (!anchor.isCharged) return `${anchor.id} is sent to the customer and can’t be charged`;
  return anchor.isProcessing ? `A payment of ${anchor.id} is on its way` : undefined;
}

function refusalOfExclusion(
  invoice: string,
  { unpaidInvoices, excludedInvoices }: CommandedCase,
): string | undefined {
  if (excludedInvoices.includes(invoice)) return `${invoice} is excluded already`;
  return unpaidInvoices.includes(invoice) ? undefined : `${invoice} is not an unpaid invoice of this case`;
}
