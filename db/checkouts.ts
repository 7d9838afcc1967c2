import { eq } from 'drizzle-orm';
import type { Database } from './connect.ts';
import { tenants } from './schema.ts';

export type CheckoutTenant = { tenant: string; licensedUserCount: number | null };

/** The tenant that a run of createTenantWorkflow made; undefined as long as there is none. */
export async function findCheckoutTenant(
  database: Database,
  workflowId: string,
): Promise<CheckoutTenant | undefined> {
  const [row] = await database
    .select({ tenant: tenants.tenant, licensedUserCount: tenants.licensedUserCount })
    .from(tenants)
    .where(eq(tenants.provisioningKey, workflowId));
  return row;
}
