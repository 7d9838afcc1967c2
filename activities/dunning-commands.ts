import { recordCommand } from '../db/audit-log.ts';
import type { Transaction } from '../db/connect.ts';
import { openCaseOf } from '../db/dunning-cases.ts';
import { recordDunningEvent } from '../db/dunning-events.ts';
import { type CaseChange, changeCase, requeueFailed } from '../db/dunning-files.ts';
import {
  commandedCase,
  type DunningCommand,
  type DunningCommandName,
  readDunningCommand,
  refusalOf,
  stageToSkip,
} from '../domain/dunning-command.ts';
import { Failure } from '../domain/failures.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { addressesOf } from './dunning-notices.ts';
import { type StandingCase, standingCase } from './dunning-situation.ts';

export type CommandDunning = {
  subscription: string;
  name: DunningCommandName;
  /** What the operator sent. */
  command: unknown;
  workflow_id: string;
  /** The update's id: equal on every retry. */
  command_id: string;
  /** Of the workflow, as ISO 8601. */
  now: string;
};

export type CommandedDunning = { case_id: string; invoice: string | null };

export function createDunningCommandActivities({ database }: Pick<ActivityDependencies, 'database'>) {
  return {
    /**
     * Records an operator's command and changes the case by it, in one transaction; the same command again changes nothing.
     *
     * @throws Failure InvalidInput that says why the command makes no sense
     */
    async commandDunning(options: CommandDunning): Promise<CommandedDunning> {
      const command = readDunningCommand(options.name, options.command);
      const now = new Date(options.now);
      const found = await openCaseOf(database, options.subscription);
      if (found === null) throw new Failure('InvalidInput', 'The subscription has no open case');
      return database.transaction(async (transaction) => {
        const standing = await standingCase(transaction, found, now);
        const commanded = { case_id: found.caseId, invoice: standing.anchor?.id ?? null };
        const commandKey = `${options.workflow_id}/${options.command_id}`;
        if (!(await record(transaction, { standing, command, commandKey, now }))) return commanded;
        const refusal = refusalOf(command, commandedCase(standing), now);
        if (refusal !== undefined) throw new Failure('InvalidInput', refusal);
        await carryOut(transaction, { standing, command, now });
        return commanded;
      });
    },
  };
}

type Commanding = { standing: StandingCase; command: DunningCommand; now: Date };

/** @returns false when it was recorded before, and so carried out */
async function record(
  transaction: Transaction,
  { standing, command, commandKey, now }: Commanding & { commandKey: string },
): Promise<boolean> {
  const { name, actor, reason, ...detail } = command;
  const { file } = standing;
  const isNew = await recordDunningEvent(transaction, {
    tenant: file.tenant,
    caseId: file.caseId,
    kind: 'command',
    now,
    actor,
    reason,
    commandKey,
    detail: { command: name, ...detail },
    ...(file.anchor !== null && { invoice: file.anchor }),
  });
  if (!isNew) return false;
  await recordCommand(transaction, {
    tenant: file.tenant,
    commandKey,
    actor,
    action: `dunning ${name}`,
    subject: file.subscription.externalId,
    reason,
    detail,
  });
  return true;
}

async function carryOut(transaction: Transaction, commanding: Commanding): Promise<void> {
  const { standing, command } = commanding;
  const { file } = standing;
  await changeCase(transaction, file, changeOf(commanding));
  if (command.name !== 'resume') return;
  const failed = file.steps.filter((step) => step.anchor === file.anchor && step.notice?.status === 'failed');
  await requeueFailed(transaction, file, {
    ids: failed.flatMap((step) => step.notificationId ?? []),
    recipient: addressesOf(standing)[0] ?? '',
  });
}

function changeOf({ standing, command, now }: Commanding): CaseChange {
  const { file } = standing;
  switch (command.name) {
    case 'pause':
      return { pausedUntil: new Date(command.until) };
    case 'resume':
      return { pausedUntil: null, isUnreachable: false };
    case 'extend':
      return { extendedDays: file.extendedDays + command.days };
    case 'skipStage': {
      const skipped = stageToSkip(command.stage, commandedCase(standing));
      return skipped === undefined ? {} : { skippedStages: [...file.skippedStages, skipped] };
    }
    case 'retryPaymentNow':
      return {};
    case 'excludeInvoice':
      return { excludedInvoices: [...file.excludedInvoices, command.invoice] };
    case 'writeOff':
      return { writeOffRequestedAt: now };
    default:
      return command satisfies never;
  }
}
