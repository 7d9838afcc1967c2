import { randomUUID } from 'node:crypto';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import type { DUNNING_UPDATES, DunningOrder } from '../../client/contract.ts';
import { type DunningOrdered, orderDunning } from '../../client/dunning-run.ts';
import { TemporalUnavailable } from '../../client/temporal-unavailable.ts';
import { openCaseOf } from '../../db/dunning-cases.ts';
import { lastCaseOf } from '../../db/dunning-list.ts';
import { EXTENSION_DAYS_MAX, readDunningCommand, refusalOf } from '../../domain/dunning-command.ts';
import { stripeInvoiceIdSchema, stripeSubscriptionIdSchema } from '../../domain/ids.ts';
import { type Cli, changes } from '../cli.ts';
import { EXIT_CODES, type ExitCode, Refused } from '../exit-codes.ts';
import { by, instantAhead, wholeNumber } from '../option-values.ts';
import { fields, type Output } from '../output.ts';
import { caseByRows } from './dunning-case.ts';

type OrderOptions = {
  actor: string;
  reason: string;
  dryRun?: true;
  updateId: string;
  until?: Date;
  days?: number;
  stage?: string;
  invoice?: string;
};

/** A command of this line for each update of the run. */
type OrderCommand = {
  word: string;
  update: keyof typeof DUNNING_UPDATES;
  does: string;
  options?: (command: Command) => Command;
  example: string;
};

const SUBSCRIPTION = 'sub_1PgafmB7WZ01zgkW6dKueIc5';

const ORDERS: readonly OrderCommand[] = [
  {
    word: 'pause',
    update: 'pause',
    does: 'Tell and do nothing for a while; payment is noticed all the same.',
    options: (command) =>
      command.requiredOption(
        '--until <when>',
        'until this instant, or for so long from now: P7D',
        instantAhead,
      ),
    example: '--until P7D --reason "they move to another bank"',
  },
  {
    word: 'resume',
    update: 'resume',
    does: 'End a pause, and send what reached nobody once more.',
    example: '--reason "the address is corrected"',
  },
  {
    word: 'extend',
    update: 'extend',
    does: 'Put off every stage to come.',
    options: (command) =>
      command.requiredOption('--days <n>', 'how many days', wholeNumber(1, EXTENSION_DAYS_MAX)),
    example: '--days 7 --reason "promised by phone"',
  },
  {
    word: 'skip-stage',
    update: 'skipStage',
    does: 'Leave a stage out, with its notice and its effect.',
    options: (command) => command.option('--stage <name>', 'which stage; without it, the next one'),
    example: '--stage reminder --reason "we spoke to them"',
  },
  {
    word: 'retry-payment',
    update: 'retryPaymentNow',
    does: 'Have Stripe charge the invoice now.',
    example: '--reason "the card was topped up"',
  },
  {
    word: 'exclude-invoice',
    update: 'excludeInvoice',
    does: 'Go by this invoice no more, because it is argued about.',
    options: (command) =>
      command.requiredOption(
        '--invoice <in_…>',
        'which of the case’s unpaid invoices',
        by(stripeInvoiceIdSchema),
      ),
    example: '--invoice in_1PgafmB7WZ01zgkW6dKueIc5 --reason "our mistake"',
  },
  {
    word: 'write-off',
    update: 'writeOff',
    does: 'Mark the open invoices uncollectible in Stripe and end the case.',
    example: '--reason goodwill',
  },
];

/** The commands that steer a case. */
export function addDunningOrders(dunning: Command, cli: Cli): void {
  for (const order of ORDERS) {
    const { word, does, options = (command) => command, example } = order;
    const command = options(
      dunning
        .command(word)
        .description(does)
        .addArgument(new Argument('<sub_…>', 'the subscription').argParser(by(stripeSubscriptionIdSchema))),
    )
      .option('--dry-run', 'only say whether it would be refused')
      .addOption(
        new Option('--update-id <id>', 'a name of your own for this order: repeated, it is carried out once')
          .default(randomUUID(), 'a new one')
          .argParser(updateId),
      );
    changes(command, { needsReason: true })
      .addHelpText('after', `\nExample:\n  tenantry dunning ${word} ${SUBSCRIPTION} ${example}\n`)
      .action(
        cli.action((output, subscription: string, given: OrderOptions) =>
          carryOut(cli, output, { subscription, order, given }),
        ),
      );
  }
}

function updateId(text: string): string {
  if (/^[\w.:-]{1,200}$/.test(text)) return text;
  throw new InvalidArgumentError('It must have 1 to 200 letters, digits, dots, colons and hyphens.');
}

type Given = { subscription: string; order: OrderCommand; given: OrderOptions };

async function carryOut(cli: Cli, output: Output, { subscription, order, given }: Given): Promise<ExitCode> {
  const { actor, reason, until, days, stage, invoice } = given;
  const sent: DunningOrder = {
    actor,
    reason,
    ...(until && { until: until.toISOString() }),
    ...(days !== undefined && { days }),
    ...(stage !== undefined && { stage }),
    ...(invoice !== undefined && { invoice }),
  };
  // What the run would refuse by form alone is refused here, before anybody is asked.
  const command = readDunningCommand(order.update, sent);
  const database = cli.database();
  const found = await openCaseOf(database, subscription);
  if (found === null) throw await withoutCase(cli, subscription);
  const about = { stripe_subscription_external_id: subscription, command: order.word };
  if (given.dryRun) {
    const now = new Date();
    const { commanded } = await caseByRows(database, found, now);
    const refusal = refusalOf(command, commanded, now);
    if (refusal !== undefined) throw new Refused(refusal);
    output.answer({ ...about, dry_run: true, case_id: found.caseId }, fields);
    output.note('It would be carried out.');
    return EXIT_CODES.done;
  }
  const ordered = await send(cli, { subscription, order, given }, sent);
  output.answer({ ...about, dry_run: false, update_id: given.updateId, ...ordered }, fields);
  if (ordered.paid !== false) return EXIT_CODES.done;
  output.note(`It was charged and declined: ${ordered.decline_code ?? 'without a reason'}`);
  return EXIT_CODES.findings;
}

async function withoutCase(cli: Cli, subscription: string): Promise<Refused> {
  const last = await lastCaseOf(cli.database(), subscription);
  return new Refused(
    last === null
      ? `${subscription} never had a case`
      : `The case of ${subscription} is over: ${last.outcome}`,
  );
}

async function send(
  cli: Cli,
  { subscription, order, given }: Given,
  sent: DunningOrder,
): Promise<DunningOrdered> {
  const client = await cli.temporal();
  const { TASK_QUEUE: taskQueue } = cli.config();
  try {
    return await orderDunning(client, {
      subscription,
      name: order.update,
      order: sent,
      updateId: given.updateId,
      taskQueue,
    });
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) throw new Refused(error.cause?.message ?? error.message);
    if (!(error instanceof TemporalUnavailable)) throw error;
    const again = `--update-id ${given.updateId}`;
    throw new Refused(`${error.message} It may be carried out later; repeated with ${again} it is once.`);
  }
}
