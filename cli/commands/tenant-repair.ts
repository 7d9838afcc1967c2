import { type Client, WorkflowFailedError } from '@temporalio/client';
import { Argument, type Command } from 'commander';
import { type BillingSyncResult, billingSyncWorkflowId } from '../../client/contract.ts';
import { runBillingSync } from '../../client/run-billing-sync.ts';
import {
  customersOf,
  type TenantReference,
  type TenantStanding,
  tenantStanding,
} from '../../db/tenant-list.ts';
import { audit } from '../audit.ts';
import { authorOf, type Cli, changes } from '../cli.ts';
import { EXIT_CODES, type ExitCode, Refused } from '../exit-codes.ts';
import { INTERRUPTED, orInterrupted } from '../interruption.ts';
import { type Output, table } from '../output.ts';
import { oneTenant, tenantOrCustomer } from './tenant-reference.ts';

/** Then is said that it still waits, for example for a worker. */
const PATIENCE_MS = 10_000;
const ACTION = 'tenants repair';

type RepairOptions = { actor: string; reason?: string; dryRun?: true };

/** What became of one customer's sync. */
type Sync = {
  customer: string;
  workflow_id: string;
  outcome: 'planned' | 'completed' | 'failed' | 'under_way';
  result: BillingSyncResult | null;
  failure: string | null;
};

export function addRepair(tenants: Command, cli: Cli): void {
  const repair = tenants
    .command('repair')
    .description('Bring a tenant in line with Stripe now, whatever the inbox says, and wait for it.')
    .addArgument(
      new Argument('<tenant>', 'its uuid, for all of its customers; or one of them (cus_…)').argParser(
        tenantOrCustomer,
      ),
    )
    .option('--dry-run', 'only say what would be started');
  changes(repair)
    .addHelpText('after', '\nCtrl-C stops the waiting; what was started goes on.\n')
    .addHelpText(
      'after',
      'Example:\n  tenantry tenants repair cus_QXg1o8vpGmoR32 --reason "the count looks old"\n',
    )
    .action(
      cli.action((output, reference: TenantReference, options: RepairOptions) =>
        run(cli, output, reference, options),
      ),
    );
}

async function run(
  cli: Cli,
  output: Output,
  reference: TenantReference,
  options: RepairOptions,
): Promise<ExitCode> {
  const database = cli.database();
  const tenant = await oneTenant(database, reference);
  const customers = reference.by === 'customer' ? [reference.id] : await customersOf(database, tenant);
  if (customers.length === 0) throw new Refused(`The tenant ${tenant} has no customer in Stripe`);
  const syncs = customers.map(
    (customer): Sync => ({
      customer,
      workflow_id: billingSyncWorkflowId(customer),
      outcome: options.dryRun ? 'planned' : 'under_way',
      result: null,
      failure: null,
    }),
  );
  const before = await tenantStanding(database, tenant);
  if (!options.dryRun) {
    const client = await cli.temporal();
    await audit(database, {
      tenant,
      ...authorOf(options, ACTION),
      action: ACTION,
      subject: reference.by === 'customer' ? reference.id : tenant,
      detail: { customers },
    });
    await repairAll(cli, output, client, syncs);
  }
  const after = await tenantStanding(database, tenant);
  return tell(output, { tenant, dry_run: options.dryRun ?? false, before, after, syncs });
}

/** Writes into each sync what became of it; those that Ctrl-C left behind stay `under_way`. */
async function repairAll(cli: Cli, output: Output, client: Client, syncs: readonly Sync[]): Promise<void> {
  const waiting = setTimeout(
    () => output.note('Still waiting: is a worker running? Ctrl-C stops the waiting, not the sync.'),
    PATIENCE_MS,
  );
  const all = Promise.all(syncs.map((sync) => repair(cli, output, client, sync)));
  const answer = await orInterrupted(all).finally(() => clearTimeout(waiting));
  if (answer === INTERRUPTED) tellHowToLook(output, syncs);
}

async function repair(cli: Cli, output: Output, client: Client, sync: Sync): Promise<void> {
  const onRunning = () => output.note(`${sync.workflow_id} is running; its end is waited for.`);
  try {
    const taskQueue = cli.config().TASK_QUEUE;
    const result = await runBillingSync(client, { subject: sync.customer, taskQueue, onRunning });
    Object.assign(sync, { outcome: 'completed', result });
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    Object.assign(sync, { outcome: 'failed', failure: error.cause?.message ?? error.message });
  }
}

function tellHowToLook(output: Output, syncs: readonly Sync[]): void {
  output.note('It goes on without you. To look at it again:');
  for (const sync of syncs)
    if (sync.outcome === 'under_way')
      output.note(`  temporal workflow show --workflow-id ${sync.workflow_id}`);
}

type Repaired = {
  tenant: string;
  dry_run: boolean;
  before: TenantStanding;
  after: TenantStanding;
  syncs: Sync[];
};

function tell(output: Output, repaired: Repaired): ExitCode {
  output.answer(repaired, ({ before, after, syncs }) => {
    const standing = table(
      ['', 'LICENCES', 'ACCESS'],
      [
        ['before', before.licensed_user_count, before.access_state],
        ['after', after.licensed_user_count, after.access_state],
      ],
      '',
    );
    const runs = table(
      ['CUSTOMER', 'WORKFLOW', 'OUTCOME', 'FAILURE'],
      syncs.map((sync) => [sync.customer, sync.workflow_id, sync.outcome, sync.failure]),
      '',
    );
    return `${runs}\n\n${standing}`;
  });
  const failed = repaired.syncs.filter((sync) => sync.outcome === 'failed');
  for (const { workflow_id: id, failure } of failed) output.note(`${id} failed: ${failure}`);
  return failed.length > 0 ? EXIT_CODES.failed : EXIT_CODES.done;
}
