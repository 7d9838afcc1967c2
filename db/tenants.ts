import { and, eq, or, sql } from 'drizzle-orm';
import type { Purchase } from '../domain/create-tenant-input.ts';
import type { Database, Transaction } from './connect.ts';
import { notifications, stripeCustomers, stripeSubscriptions, tenantInvitations, tenants } from './schema.ts';
import { lockSubject } from './subject-lock.ts';

export type ProvisionedTenant = {
  tenant: string;
  licensedUserCount: number | null;
  /** Did this key make the tenant? false: the customer belonged to a tenant already, which has its admin. */
  isOwn: boolean;
};

/**
 * All that a tenant's birth writes, in one transaction: the tenant, its Stripe customer, the initial licence count,
 * and the invitation of its first admin with the outbox row of its mail. A second call with the same key, or for a
 * customer that belongs to a tenant already, finds that tenant and adds nothing.
 */
export async function provisionTenant(
  database: Database,
  options: { provisioningKey: string; purchase: Purchase; billingTenant: string; now: Date },
): Promise<ProvisionedTenant> {
  return database.transaction(async (transaction) => {
    const customer = options.purchase.stripe_customer_id;
    await lockSubject(transaction, options.provisioningKey);
    if (customer !== undefined) await lockSubject(transaction, customer);
    const existing = await findTenant(transaction, options.provisioningKey, customer);
    if (existing) return existing;
    const tenant = await insertTenant(transaction, options);
    if (customer !== undefined) await insertCustomer(transaction, { ...options, tenant, customer });
    await insertInvitation(transaction, { tenant, email: options.purchase.email });
    return { tenant, licensedUserCount: options.purchase.initial_license_count ?? null, isOwn: true };
  });
}

async function findTenant(
  transaction: Transaction,
  provisioningKey: string,
  customer: string | undefined,
): Promise<ProvisionedTenant | undefined> {
  const rows = await transaction
    .selectDistinct({
      tenant: tenants.tenant,
      licensedUserCount: tenants.licensedUserCount,
      isOwn: sql<boolean>`coalesce(${tenants.provisioningKey} = ${provisioningKey}, false)`,
    })
    .from(tenants)
    .leftJoin(stripeCustomers, eq(stripeCustomers.tenant, tenants.tenant))
    .where(
      or(
        eq(tenants.provisioningKey, provisioningKey),
        customer === undefined ? undefined : eq(stripeCustomers.stripeCustomerExternalId, customer),
      ),
    );
  return rows.find((row) => row.isOwn) ?? rows[0];
}

async function insertTenant(
  transaction: Transaction,
  { provisioningKey, purchase }: { provisioningKey: string; purchase: Purchase },
): Promise<string> {
  const [row] = await transaction
    .insert(tenants)
    .values({
      clientName: purchase.client_name,
      email: purchase.email,
      licensedUserCount: purchase.initial_license_count ?? null,
      lastLicenseUpdate: purchase.initial_license_count === undefined ? null : sql`now()`,
      provisioningKey,
    })
    .returning({ tenant: tenants.tenant });
  if (row === undefined) throw new Error('the insert of a tenant returned no row');
  return row.tenant;
}

async function insertCustomer(
  transaction: Transaction,
  options: { tenant: string; customer: string; billingTenant: string; purchase: Purchase; now: Date },
): Promise<void> {
  await transaction.insert(stripeCustomers).values({
    tenant: options.tenant,
    stripeCustomerExternalId: options.customer,
    billingTenant: options.billingTenant,
    email: options.purchase.email,
    name: options.purchase.client_name,
    metadata: { source: options.purchase.source, created_at: options.now.toISOString() },
  });
}

async function insertInvitation(
  transaction: Transaction,
  options: { tenant: string; email: string },
): Promise<void> {
  const [invitation] = await transaction
    .insert(tenantInvitations)
    .values(options)
    .returning({ invitationId: tenantInvitations.invitationId });
  if (invitation === undefined) throw new Error('the insert of an invitation returned no row');
  await transaction.insert(notifications).values({
    tenant: options.tenant,
    dedupeKey: `invitation:${invitation.invitationId}`,
    kind: 'invitation',
    recipient: options.email,
  });
}

/**
 * Corrects what a tenant was born with, for an operator. The licence count can only be corrected as long as no
 * subscription is known: from then on it follows the licence rule alone.
 */
export async function correctTenant(
  transaction: Transaction,
  options: { tenant: string; email?: string | undefined; initialLicenseCount?: number | undefined },
): Promise<void> {
  const { tenant, email, initialLicenseCount } = options;
  // A statement that waits for a sync would not see the subscription that the sync wrote, so the wait comes before it.
  await transaction
    .select({ tenant: tenants.tenant })
    .from(tenants)
    .where(eq(tenants.tenant, tenant))
    .for('no key update');
  if (email !== undefined) {
    await transaction.update(tenants).set({ email, updatedAt: sql`now()` }).where(eq(tenants.tenant, tenant));
    await transaction.update(tenantInvitations).set({ email }).where(eq(tenantInvitations.tenant, tenant));
    await transaction
      .update(notifications)
      .set({ recipient: email, status: 'queued', lastError: null })
      .where(
        and(
          eq(notifications.tenant, tenant),
          eq(notifications.kind, 'invitation'),
          sql`${notifications.status} <> 'sent'`,
        ),
      );
  }
  if (initialLicenseCount !== undefined) {
    await transaction
      .update(tenants)
      .set({ licensedUserCount: initialLicenseCount, lastLicenseUpdate: sql`now()`, updatedAt: sql`now()` })
      .where(
        and(
          eq(tenants.tenant, tenant),
          sql`not exists (select from ${stripeSubscriptions} where ${stripeSubscriptions.tenant} = ${tenant})`,
        ),
      );
  }
}

/** Is there a tenant with this id? */
export async function tenantExists(database: Database, tenant: string): Promise<boolean> {
  return (await database.$count(tenants, eq(tenants.tenant, tenant))) > 0;
}
