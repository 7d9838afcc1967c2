import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { Argument, type Command, Option } from 'commander';
import { importProgress, orderImport, startImport, startSubscriptionImport } from '../../client/bulk-runs.ts';
import {
  IMPORT_UPDATES,
  type ImportCustomersInput,
  type ImportCustomersResult,
  type ImportProgress,
  importCustomersWorkflowId,
} from '../../client/contract.ts';
import { TemporalUnavailable } from '../../client/temporal-unavailable.ts';
import { stripeSubscriptionIdSchema, tenantIdSchema } from '../../domain/ids.ts';
import { attach } from '../attachment.ts';
import { audit } from '../audit.ts';
import { authorOf, type Cli, changes } from '../cli.ts';
import { EXIT_CODES, type ExitCode, Refused, WrongUsage } from '../exit-codes.ts';
import { by } from '../option-values.ts';
import { fields, type Output } from '../output.ts';
import { printImport, reportOf } from './import-report.ts';

type Author = { actor: string; reason?: string };
type StartOptions = Author & { apply?: true; createMissing?: true; tag?: true; proof?: true };

/** `tenantry import …`: existing customers of Stripe come in. */
export function addImports(program: Command, cli: Cli): void {
  const imports = program
    .command('import')
    .description('Bring in the customers that are in Stripe already; a dry run, unless --apply is given.');
  const start = imports
    .command('start', { isDefault: true })
    .description('Plan the import of all customers, and carry the plan out with --apply.')
    .option('--apply', 'link customers to tenants and write their subscriptions')
    .option('--create-missing', 'make a tenant for each paying customer without one')
    .option('--tag', 'write tenant_id to the metadata of each customer in Stripe that lacks it')
    .addOption(
      new Option('--proof', 'only compare what Stripe lists with what we hold').conflicts([
        'apply',
        'createMissing',
        'tag',
      ]),
    );
  changes(start)
    .addHelpText('after', '\nCtrl-C detaches; the import goes on in the workers. `start` may be left out.\n')
    .addHelpText(
      'after',
      'Examples:\n  tenantry import\n  tenantry import --apply --reason "migration day"\n',
    )
    .action(cli.action((output, options: StartOptions) => runImport(cli, output, options)));
  const one = imports
    .command('subscription')
    .description('Bring in one subscription, with all others of its customer, for a tenant.')
    .addArgument(
      new Argument('<subscription>', 'its id in Stripe, sub_…').argParser(by(stripeSubscriptionIdSchema)),
    )
    .addArgument(new Argument('<tenant>', 'the uuid of the tenant').argParser(by(tenantIdSchema)))
    .option('--dry-run', 'only say what would be started');
  changes(one).action(
    cli.action((output, subscription: string, tenant: string, options: Author & { dryRun?: true }) =>
      runOne(cli, output, { subscription, tenant, options }),
    ),
  );
  imports
    .command('status')
    .description('Show how far the import is that is under way.')
    .action(cli.action((output) => showStatus(cli, output)));
  for (const [name, description] of [
    [IMPORT_UPDATES.pause, 'Pause the import: no further page is read and no further customer written.'],
    [IMPORT_UPDATES.resume, 'Let a paused import go on.'],
  ] as const) {
    changes(imports.command(name).description(description), { needsReason: true }).action(
      cli.action((output, options: Required<Author>) => command(cli, output, name, options)),
    );
  }
}

async function runImport(cli: Cli, output: Output, options: StartOptions): Promise<ExitCode> {
  const { apply, createMissing, tag, proof } = options;
  if (tag && !apply) throw new WrongUsage('--tag writes to Stripe, so it needs --apply');
  const input: ImportCustomersInput = {
    ...(apply && { apply }),
    ...(createMissing && { create_missing: true }),
    ...(tag && { tag }),
    ...(proof && { proof_only: true }),
  };
  const client = await cli.temporal();
  const { TASK_QUEUE: taskQueue } = cli.config();
  if (apply)
    await audit(cli.database(), {
      ...authorOf(options, 'import'),
      action: 'import',
      subject: importCustomersWorkflowId(taskQueue),
      detail: { ...input },
    });
  const run = await startImport(client, { input, taskQueue });
  if (run.joined) {
    const left = notDoneBy(run.input, input);
    if (left.length > 0)
      throw new Refused(
        `${run.workflowId} is under way already, without ${left.join(', ')}. Wait for its end (tenantry import), then start it again.`,
      );
    output.note(
      `${run.workflowId} is under way already, with what it was started with; its end is waited for.`,
    );
  }
  const result = await attach<ImportProgress, ImportCustomersResult>({
    client,
    run,
    output,
    read: readProgress,
    again: 'tenantry import (a run that is under way is joined), or tenantry import status',
  });
  if (result === undefined) return EXIT_CODES.done;
  const report = await reportOf(cli.database(), { run, result });
  output.answer(report, printImport);
  const isClean = report.conflict_count === 0 && (report.proof?.difference_count ?? 0) === 0;
  return isClean ? EXIT_CODES.done : EXIT_CODES.findings;
}

const OPTION_NAMES = {
  apply: '--apply',
  create_missing: '--create-missing',
  tag: '--tag',
  proof_only: '--proof',
} as const;

/** What was asked for and an import that is under way does not do. */
function notDoneBy(running: ImportCustomersInput | undefined, asked: ImportCustomersInput): string[] {
  if (running === undefined) return [];
  const names = Object.keys(OPTION_NAMES) as (keyof typeof OPTION_NAMES)[];
  return names.filter((name) => asked[name] && !running[name]).map((name) => OPTION_NAMES[name]);
}

async function runOne(
  cli: Cli,
  output: Output,
  {
    subscription,
    tenant,
    options,
  }: { subscription: string; tenant: string; options: Author & { dryRun?: true } },
): Promise<ExitCode> {
  if (options.dryRun) {
    output.answer(
      { subscription, tenant, dry_run: true },
      () => `${subscription} would be imported for ${tenant}.`,
    );
    return EXIT_CODES.done;
  }
  const client = await cli.temporal();
  await audit(cli.database(), {
    ...authorOf(options, 'import subscription'),
    action: 'import subscription',
    subject: subscription,
    detail: { tenant },
  });
  const run = await startSubscriptionImport(client, {
    subscription,
    tenant,
    taskQueue: cli.config().TASK_QUEUE,
  });
  const runsFor = run.input?.one?.tenant ?? tenant;
  if (runsFor !== tenant)
    throw new Refused(`${subscription} is being imported for another tenant just now, ${runsFor}`);
  const result = await attach<ImportProgress, ImportCustomersResult>({
    client,
    run,
    output,
    read: readProgress,
    again: `tenantry import subscription ${subscription} ${tenant}`,
  });
  if (result === undefined) return EXIT_CODES.done;
  const { subscriptions, written, conflicts } = result;
  const answer = { subscription, tenant, dry_run: false, subscriptions, written: written > 0, conflicts };
  output.answer(answer, () =>
    written > 0
      ? `${subscription} and its customer belong to ${tenant}: ${subscriptions} subscription(s) read, rows written.`
      : `${subscription} belonged to ${tenant} already, as it is in Stripe; nothing was written.`,
  );
  return conflicts > 0 ? EXIT_CODES.findings : EXIT_CODES.done;
}

async function showStatus(cli: Cli, output: Output): Promise<ExitCode> {
  const client = await cli.temporal();
  const workflowId = importCustomersWorkflowId(cli.config().TASK_QUEUE);
  try {
    const progress = await importProgress(client, workflowId);
    output.answer({ workflow_id: workflowId, ...progress }, fields);
    return EXIT_CODES.done;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw new Refused('No import was started yet');
    throw error;
  }
}

async function command(
  cli: Cli,
  output: Output,
  name: keyof typeof IMPORT_UPDATES,
  author: Required<Author>,
): Promise<ExitCode> {
  const client = await cli.temporal();
  const workflowId = importCustomersWorkflowId(cli.config().TASK_QUEUE);
  try {
    const order = { actor: author.actor, reason: author.reason };
    const progress = await orderImport(client, { workflowId, name, order });
    output.answer({ workflow_id: workflowId, ...progress }, fields);
    return EXIT_CODES.done;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw new Refused('No import is under way');
    if (error instanceof WorkflowUpdateFailedError) throw new Refused(error.cause?.message ?? error.message);
    if (error instanceof TemporalUnavailable)
      throw new Refused(`${error.message} It may be carried out later: see tenantry import status.`);
    throw error;
  }
}

function readProgress(progress: ImportProgress) {
  const { phase, paused, pages, subscriptions, customers, written, tagged, estimated_end: end } = progress;
  const parts = [
    `${phase}${paused ? ' (paused)' : ''}:`,
    `${pages} pages, ${subscriptions} subscriptions, ${customers} customers, ${written} written, ${tagged} tagged`,
    end === null ? '' : `until about ${end}`,
  ];
  return { says: parts.filter(Boolean).join(' '), share: progress.done_share };
}
