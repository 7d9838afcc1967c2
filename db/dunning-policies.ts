import { eq } from 'drizzle-orm';
import type { Transaction } from './connect.ts';
import { dunningPolicies } from './schema.ts';

/** A policy as it stands in its file, and what tells it from every other one. */
export type PolicySource = { version: string; digest: string; source: unknown };

/** Keeps a policy, once, so that the cases that begin with it follow it to their end. @returns our own id of it */
export async function keepPolicy(transaction: Transaction, policy: PolicySource): Promise<string> {
  await transaction
    .insert(dunningPolicies)
    .values(policy)
    .onConflictDoNothing({ target: dunningPolicies.digest });
  const [row] = await transaction
    .select({ id: dunningPolicies.dunningPolicyId })
    .from(dunningPolicies)
    .where(eq(dunningPolicies.digest, policy.digest));
  if (row === undefined) throw new Error('a policy that was kept is not there');
  return row.id;
}
