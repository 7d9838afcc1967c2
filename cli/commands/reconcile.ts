import { type Command, Option } from 'commander';
import { startReconcile } from '../../client/bulk-runs.ts';
import {
  type ReconcileBillingInput,
  type ReconcileBillingResult,
  type ReconcileProgress,
  reconcileBillingWorkflowId,
} from '../../client/contract.ts';
import { driftSeenBy, type RecordedDrift } from '../../db/billing-drift.ts';
import { attach } from '../attachment.ts';
import { audit } from '../audit.ts';
import { authorOf, type Cli, changes } from '../cli.ts';
import { EXIT_CODES, type ExitCode, Refused } from '../exit-codes.ts';
import { fields, type Output, table } from '../output.ts';

/** Differences that are printed; all of them stand in `billing_drift`. */
const LINES_MAX = 10_000;
const ACTION = 'reconcile';

type ReconcileOptions = {
  actor: string;
  reason?: string;
  dryRun?: true;
  only?: NonNullable<ReconcileBillingInput['only']>;
};

/** `tenantry reconcile`: Stripe's truth against ours, now. */
export function addReconcile(program: Command, cli: Cli): void {
  const reconcile = program
    .command('reconcile')
    .description('Hold what Stripe says against what we hold, and bring ours in line.')
    .option('--dry-run', 'only report and record; repair nothing, fetch no event')
    .addOption(
      new Option('--only <half>', 'one half: missing events, or everything else').choices([
        'events',
        'subscriptions',
      ]),
    );
  changes(reconcile)
    .addHelpText('after', '\nCtrl-C detaches; it goes on in the workers.\n')
    .addHelpText('after', 'Example:\n  tenantry reconcile --dry-run\n')
    .action(cli.action((output, options: ReconcileOptions) => run(cli, output, options)));
}

type Report = ReconcileBillingResult & {
  workflow_id: string;
  run_id: string;
  dry_run: boolean;
  drift: RecordedDrift[];
};

async function run(cli: Cli, output: Output, options: ReconcileOptions): Promise<ExitCode> {
  const { dryRun, only } = options;
  const input: ReconcileBillingInput = { ...(dryRun && { dry_run: true }), ...(only && { only }) };
  const client = await cli.temporal();
  const { TASK_QUEUE: taskQueue } = cli.config();
  if (!dryRun) {
    await audit(cli.database(), {
      ...authorOf(options, ACTION),
      action: ACTION,
      subject: reconcileBillingWorkflowId(taskQueue),
      detail: { ...input },
    });
  }
  const started = await startReconcile(client, { input, taskQueue });
  const carriedOut = started.input ?? input;
  if (started.joined) {
    if (!covers(carriedOut, input))
      throw new Refused(
        `${started.workflowId} is under way already, ${saysOf(carriedOut)}. Wait for its end, then start it again.`,
      );
    output.note(
      `${started.workflowId} is under way already, with what it was started with; its end is waited for.`,
    );
  }
  const result = await attach<ReconcileProgress, ReconcileBillingResult>({
    client,
    run: started,
    output,
    read: ({ step, figures }) => ({
      says: `${step.replaceAll('_', ' ')}: ${figures.events_checked} events, ${figures.subscriptions_checked} subscriptions, ${figures.invoices_checked} open invoices`,
      share: null,
    }),
    again: 'tenantry reconcile (a run that is under way is joined)',
  });
  if (result === undefined) return EXIT_CODES.done;
  const report: Report = {
    ...result,
    workflow_id: started.workflowId,
    run_id: started.runId,
    dry_run: carriedOut.dry_run === true,
    drift: await driftSeenBy(cli.database(), { run: result.listing, limit: LINES_MAX }),
  };
  output.answer(report, print);
  const isMissing = report.dry_run && report.events_missing > 0;
  return report.drift_left > 0 || isMissing ? EXIT_CODES.findings : EXIT_CODES.done;
}

/** Does a run that is under way do all that was asked for? It may do more. */
function covers(running: ReconcileBillingInput, asked: ReconcileBillingInput): boolean {
  const isLess = running.dry_run === true && asked.dry_run !== true;
  return !isLess && (running.only === undefined || running.only === asked.only);
}

function saysOf({ dry_run: isDryRun, only }: ReconcileBillingInput): string {
  return [isDryRun ? 'as a dry run' : 'repairing', only === undefined ? '' : `of ${only} only`]
    .filter(Boolean)
    .join(' ');
}

function print(report: Report): string {
  return [
    fields({
      'events checked': report.events_checked,
      [report.dry_run ? 'missing, not fetched' : 'missing, fetched now']: report.events_missing,
      'subscriptions checked': report.subscriptions_checked,
      'open invoices checked': report.invoices_checked,
      'tenants checked': report.tenants_checked,
      'prices checked': report.products_checked,
      'differences found': report.drift_found,
      repaired: report.drift_repaired,
      'left standing': report.drift_left,
    }),
    table(
      ['KIND', 'SUBJECT', 'FIELD', 'OURS', 'STRIPE', 'SINCE', 'REPAIR'],
      report.drift.map((one) => [
        one.kind,
        one.subject,
        one.field,
        one.ours,
        one.theirs,
        one.detected_at,
        one.repair ?? 'stands',
      ]),
      'Nothing differs.',
    ),
  ].join('\n\n');
}
