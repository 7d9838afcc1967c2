import type { Database } from '../../db/connect.ts';
import { readDunningFile } from '../../db/dunning-files.ts';
import { invoiceStanding, unpaidInvoices } from '../../db/invoices.ts';
import { contactOf } from '../../db/notifications.ts';
import type { DunningSituation } from '../../domain/dunning.ts';
import { type CommandedCase, commandedCase } from '../../domain/dunning-command.ts';
import { readDunningPolicy } from '../../domain/dunning-policy.ts';
import { datesInUtc, situationOf } from '../../domain/dunning-situation.ts';

/** How a case stands by its rows alone; its dates are by UTC and without quiet times. */
export type CaseByRows = { situation: DunningSituation; policyVersion: string; commanded: CommandedCase };

export async function caseByRows(
  database: Database,
  id: { tenant: string; caseId: string },
  now: Date,
): Promise<CaseByRows> {
  const file = await readDunningFile(database, id);
  const { tenant } = id;
  const unpaid = await unpaidInvoices(database, { tenant, stripeSubscriptionId: file.subscription.id });
  const last = file.anchor === null ? null : await invoiceStanding(database, file.anchor);
  const { plan } = await contactOf(database, tenant);
  const policy = readDunningPolicy(file.policy.source);
  const facts = { file, unpaid, lastAnchorStatus: last?.status ?? null, policy, plan, now };
  const { situation, anchor } = situationOf(facts, datesInUtc);
  return {
    situation,
    policyVersion: file.policy.version,
    commanded: commandedCase({ file, situation, anchor }),
  };
}
