import type { BulkRun } from '../../client/bulk-runs.ts';
import type { ImportCustomersInput, ImportCustomersResult } from '../../client/contract.ts';
import type { Database } from '../../db/connect.ts';
import { countLeft, countPlan, plannedCustomers } from '../../db/import-plan.ts';
import { type ProofDifference, proofDifferences } from '../../db/import-proof.ts';
import { Refused } from '../exit-codes.ts';
import { fields, table } from '../output.ts';

/** Lines of one list; a plan with more has to be read in the database. */
const LINES_MAX = 10_000;

/** What an import did or would do, with everything that somebody has to look at by name. */
export type ImportReport = Omit<ImportCustomersResult, 'proof' | 'conflicts'> & {
  workflow_id: string;
  run_id: string;
  /** All of them; of the list no more than `LINES_MAX` are read. */
  conflict_count: number;
  conflicts: {
    customer: string;
    name: string | null;
    email: string | null;
    reason: string | null;
    candidates: string[];
  }[];
  /** Customers that are nobody's, by reason. */
  left_by_reason: Record<string, number>;
  proof:
    | (Omit<NonNullable<ImportCustomersResult['proof']>, 'differences'> & {
        difference_count: number;
        differences: ProofDifference[];
      })
    | null;
};

/**
 * Reads what a run left in the plan's rows.
 *
 * @throws Refused when the next import has replaced them: lists without them would say that there is nothing to look at
 */
export async function reportOf(
  database: Database,
  { run, result }: { run: BulkRun<ImportCustomersInput>; result: ImportCustomersResult },
): Promise<ImportReport> {
  const { listing, proof } = result;
  const conflicts = await plannedCustomers(database, {
    listing,
    outcomes: ['conflict'],
    after: '',
    limit: LINES_MAX,
  });
  const list =
    proof === null || proof.differences === 0
      ? []
      : await proofDifferences(database, {
          listing,
          until: new Date(proof.until),
          after: '',
          limit: LINES_MAX,
        });
  const leftByReason = await countLeft(database, listing);
  // Last, because a plan's rows go first when it is removed.
  if ((await countPlan(database, listing)).customers < result.customers) {
    const { linked, created, left } = result;
    const counts = `${linked} linked, ${created} created, ${result.conflicts} conflicts, ${left} left, ${proof?.differences ?? 0} differences`;
    throw new Refused(
      `${run.workflowId} is done (${counts}), but the next import began and replaced its plan, so its lists can't be read. Run it again.`,
    );
  }
  return {
    ...result,
    workflow_id: run.workflowId,
    run_id: run.runId,
    conflict_count: result.conflicts,
    conflicts: conflicts.map(({ customer, name, email, reason, candidates }) => ({
      customer,
      name,
      email,
      reason,
      candidates,
    })),
    left_by_reason: leftByReason,
    proof: proof === null ? null : { ...proof, difference_count: proof.differences, differences: list },
  };
}

export function printImport(report: ImportReport): string {
  const { proof } = report;
  const kind = report.applied
    ? 'Applied'
    : proof === null
      ? 'Dry run: nothing was written but the plan'
      : 'Proof';
  const parts = [
    kind,
    fields({
      pages: report.pages,
      subscriptions: report.subscriptions,
      customers: report.customers,
      'known already': report.known,
      [report.applied ? 'linked' : 'would be linked']: report.linked,
      [report.applied ? 'tenants made' : 'tenants would be made']: report.created,
      conflicts: report.conflict_count,
      left: report.left,
      written: report.written,
      tagged: report.tagged,
    }),
  ];
  if (report.left > 0) {
    parts.push(
      `Left\n\n${table(['REASON', 'CUSTOMERS'], Object.entries(report.left_by_reason), 'Nobody was left.')}`,
    );
  }
  parts.push(
    `Conflicts\n\n${table(
      ['CUSTOMER', 'NAME', 'EMAIL', 'REASON', 'CANDIDATES'],
      report.conflicts.map((one) => [
        one.customer,
        one.name,
        one.email,
        one.reason,
        one.candidates.join(' '),
      ]),
      'There is none.',
    )}`,
  );
  if (proof !== null) {
    parts.push(
      `Stripe's list against ours\n\n${table(
        ['STATUS', 'STRIPE', 'OURS', 'LEFT OUT', 'DIFFERING'],
        proof.by_status.map((one) => [one.status, one.stripe, one.ours, one.left_out, one.differing]),
        'Neither side has a subscription.',
      )}`,
      `Differences\n\n${table(
        ['SUBSCRIPTION', 'CUSTOMER', 'STRIPE', 'OURS'],
        proof.differences.map((one) => [one.subscription, one.customer, one.stripe, one.ours]),
        'There is none: everything that Stripe lists is here, or is left out by name.',
      )}`,
    );
  }
  return parts.join('\n\n');
}
