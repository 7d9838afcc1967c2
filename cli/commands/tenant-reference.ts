import { InvalidArgumentError } from 'commander';
import type { Database } from '../../db/connect.ts';
import { type TenantReference, tenantsOf } from '../../db/tenant-list.ts';
import { stripeCustomerIdSchema, tenantIdSchema } from '../../domain/ids.ts';
import { Refused } from '../exit-codes.ts';

/** Takes what a tenant may be known by: its own id, a Stripe customer's, or an e-mail address. */
export function tenantOrEmail(text: string): TenantReference {
  if (text.includes('@')) return { by: 'email', id: text };
  return tenantOrCustomer(text);
}

/** The same without the address. */
export function tenantOrCustomer(text: string): TenantReference {
  if (tenantIdSchema.safeParse(text).success) return { by: 'tenant', id: text.toLowerCase() };
  if (stripeCustomerIdSchema.safeParse(text).success) return { by: 'customer', id: text };
  throw new InvalidArgumentError('It must be a tenant’s uuid or a Stripe id that begins with cus_.');
}

/** @throws Refused when there is no such tenant, or several */
export async function oneTenant(database: Database, reference: TenantReference): Promise<string> {
  const [tenant, ...others] = await tenantsOf(database, reference);
  if (tenant === undefined) throw new Refused(unknown(reference));
  if (others.length > 0)
    throw new Refused(`Several tenants have this address: ${[tenant, ...others].join(', ')}`);
  return tenant;
}

function unknown({ by, id }: TenantReference): string {
  switch (by) {
    case 'tenant':
      return `There is no tenant ${id}`;
    case 'customer':
      return `No tenant has the customer ${id}`;
    case 'email':
      return `No tenant has the address ${id}`;
    default:
      return by satisfies never;
  }
}
