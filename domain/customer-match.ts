/** What becomes of one of Stripe's customers in an import. */
export const IMPORT_OUTCOMES = [
  /** It has a row already. */
  'known',
  /** It is a tenant's, and gets a row. */
  'link',
  /** Nobody's, and a tenant is made for it. */
  'create',
  /** It could be several tenants', or names one that is not there: never guessed. */
  'conflict',
  /** Nobody's, and it stays so. */
  'left',
] as const;
export type ImportOutcome = (typeof IMPORT_OUTCOMES)[number];

export const CONFLICT_REASONS = ['unknown_tenant', 'several_tenants', 'several_customers'] as const;
export type ConflictReason = (typeof CONFLICT_REASONS)[number];

export const LEFT_REASONS = [
  'customer_deleted',
  'livemode_mismatch',
  'no_tenant',
  'no_license',
  'no_email',
] as const;
type LeftReason = (typeof LEFT_REASONS)[number];

export type ImportReason = ConflictReason | LeftReason;

/** What is known of a customer when it is judged. */
export type CustomerFacts = {
  /** The tenant that it has a row of. */
  knownTenant: string | null;
  isDeleted: boolean;
  hasOtherLivemode: boolean;
  email: string | null;
  /** What `metadata.tenant_id` says, of the customer and of its subscriptions, without repetition. */
  namedTenants: readonly string[];
  /** Those of them that exist. */
  existingNamed: readonly string[];
  /** Tenants with its e-mail, lower-cased. */
  tenantsByEmail: readonly string[];
  /**
   * Other customers that the e-mail would bring to the same tenant, that name this tenant, or that it has already.
   */
  rivals: number;
  /** Has it a live subscription with a licence? */
  hasLiveLicense: boolean;
};

export type CustomerMatch =
  | { outcome: 'known' | 'link'; tenant: string; reason: null; candidates: readonly [] }
  | { outcome: 'create'; tenant: null; reason: null; candidates: readonly [] }
  | { outcome: 'conflict'; tenant: null; reason: ConflictReason; candidates: readonly string[] }
  | { outcome: 'left'; tenant: null; reason: LeftReason; candidates: readonly [] };

/**
 * Decides whose a customer is: `metadata.tenant_id` before the e-mail, and two candidates are a conflict.
 *
 * @param createMissing a paying customer without a tenant gets one
 */
export function matchCustomer(facts: CustomerFacts, createMissing: boolean): CustomerMatch {
  if (facts.hasOtherLivemode) return left('livemode_mismatch');
  if (facts.knownTenant !== null) return matched('known', facts.knownTenant);
  if (facts.isDeleted) return left('customer_deleted');
  if (facts.namedTenants.length > 0) return matchByName(facts);
  const [tenant, ...more] = facts.tenantsByEmail;
  if (more.length > 0) return conflict('several_tenants', facts.tenantsByEmail);
  if (tenant !== undefined)
    return facts.rivals > 0 ? conflict('several_customers', [tenant]) : matched('link', tenant);
  if (!createMissing) return left('no_tenant');
  if (!facts.hasLiveLicense) return left('no_license');
  if (facts.email === null) return left('no_email');
  return { outcome: 'create', tenant: null, reason: null, candidates: [] };
}

/** Where one name leads nowhere, the other one is a candidate and no more. */
function matchByName({ namedTenants, existingNamed }: CustomerFacts): CustomerMatch {
  const [tenant, ...more] = existingNamed;
  if (more.length > 0) return conflict('several_tenants', existingNamed);
  if (tenant === undefined || namedTenants.length > 1) return conflict('unknown_tenant', existingNamed);
  return matched('link', tenant);
}

/** It is this tenant's. */
export function matched(outcome: 'known' | 'link', tenant: string): CustomerMatch {
  return { outcome, tenant, reason: null, candidates: [] };
}

/** Somebody has to decide. @param candidates tenants that it could be */
export function conflict(reason: ConflictReason, candidates: readonly string[]): CustomerMatch {
  return { outcome: 'conflict', tenant: null, reason, candidates };
}

/** It is nobody's, for this reason. */
export function left(reason: LeftReason): CustomerMatch {
  return { outcome: 'left', tenant: null, reason, candidates: [] };
}
