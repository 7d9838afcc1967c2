import { randomUUID } from 'node:crypto';
import { type AuditEntry, recordCommand } from '../db/audit-log.ts';
import type { Database, Transaction } from '../db/connect.ts';
import type { Author } from './cli.ts';

/** What a command line changes, for the audit log: each call of a command is a command of its own. */
export async function audit(
  database: Database | Transaction,
  change: Author & Pick<AuditEntry, 'action' | 'subject' | 'detail'> & { tenant?: string | null },
): Promise<void> {
  await recordCommand(database, { tenant: null, ...change, commandKey: `cli/${randomUUID()}` });
}
