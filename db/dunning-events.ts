import type { CaseAccess, DunningEventKind } from '../domain/dunning.ts';
import type { DunningState } from '../domain/dunning-policy.ts';
import type { Transaction } from './connect.ts';
import { dunningEvents } from './schema.ts';

export type DunningEvent = {
  tenant: string;
  caseId: string;
  kind: DunningEventKind;
  now: Date;
  stage?: string | undefined;
  state?: DunningState | undefined;
  access?: CaseAccess | undefined;
  invoice?: string | undefined;
  /** Who commanded it and why; of commands alone. */
  actor?: string | undefined;
  reason?: string | undefined;
  commandKey?: string | undefined;
  detail?: Record<string, unknown>;
};

/**
 * Adds to a case's record.
 *
 * @returns false when the command was recorded before
 */
export async function recordDunningEvent(transaction: Transaction, event: DunningEvent): Promise<boolean> {
  const { caseId, now, ...columns } = event;
  const written = await transaction
    .insert(dunningEvents)
    .values({ ...columns, dunningCaseId: caseId, occurredAt: now })
    .onConflictDoNothing({ target: dunningEvents.commandKey })
    .returning({ id: dunningEvents.dunningEventId });
  return written.length > 0;
}
