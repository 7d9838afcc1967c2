import type { Database, Transaction } from './connect.ts';
import { auditLog } from './schema.ts';

export type AuditEntry = {
  tenant: string | null;
  /** Equal on every retry of the same command: it is recorded once. */
  commandKey: string;
  actor: string;
  action: string;
  subject: string;
  reason: string;
  detail?: Record<string, unknown>;
};

/** Records who changed what and why; a command that is recorded already is left as it is. */
export async function recordCommand(database: Database | Transaction, entry: AuditEntry): Promise<void> {
  await database.insert(auditLog).values(entry).onConflictDoNothing({ target: auditLog.commandKey });
}
