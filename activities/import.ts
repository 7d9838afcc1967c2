import type { ProofByStatus } from '../client/contract.ts';
import { recordCommand } from '../db/audit-log.ts';
import {
  type CustomerSnapshot,
  linkCustomers,
  lockCustomers,
  writeSnapshots,
} from '../db/billing-projection.ts';
import { databaseFailure } from '../db/errors.ts';
import {
  countPlan,
  countUnderCreation,
  customersToApply,
  customersToCreate,
  customersToTag,
  disputedCustomers,
  type MatchedCustomer,
  type PlanCounts,
  recordApplied,
  recordMatches,
  recordTagged,
  unjudgedCustomers,
  unknownProductsOf,
} from '../db/import-plan.ts';
import { countProof, type ProofDifference, proofDifferences } from '../db/import-proof.ts';
import {
  analyzeListings,
  forgetListing,
  forgetOtherListings,
  type ListedCustomer,
  listedCustomers,
} from '../db/listings.ts';
import { heldSubscriptions } from '../db/subscriptions.ts';
import { tenantExists } from '../db/tenants.ts';
import { subscriptionDifferences } from '../domain/billing-drift.ts';
import { CLIENT_NAME_LENGTH_MAX } from '../domain/create-tenant-input.ts';
import { conflict, left, matchCustomer, matched } from '../domain/customer-match.ts';
import { Failure } from '../domain/failures.ts';
import { projectSubscription } from '../domain/subscription-projection.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** One activity goes on for this long, well within its limit, so that a long import needs few of them. */
const STRETCH_MS = 5_000;
const JUDGED_AT_ONCE = 1_000;
/** Customers of one transaction, and their subscriptions. */
const APPLIED_AT_ONCE = 100;
const SUBSCRIPTIONS_AT_ONCE = 500;
/** Tenants of an import that are being made at the same time: live purchases go first on the same queue. */
const UNDER_CREATION_MAX = 20;
/** A creation without a result after so long is no longer waited for; the proof tells what is not there. */
const CREATION_MINUTES_MAX = 5;
const TAGGED_AT_ONCE = 100;
const PRODUCTS_AT_ONCE = 500;
/** Differences that are looked at again before the next ones are asked for. */
const DIFFERENCES_AT_ONCE = 200;

export type ImportStretch = PlanCounts & { more: boolean };

/** An import's work on Postgres: the plan, and carrying it out. Everything can be run again at any point. */
export function createImportActivities(dependencies: ActivityDependencies) {
  const { database, billingTenant, livemode, now } = dependencies;
  return {
    /** Removes what other imports left, all of which are over: one runs at a time. */
    async beginImport(options: { listing: string }): Promise<void> {
      const { listing } = options;
      const [kind = ''] = listing.split('/');
      await forgetOtherListings(database, { kind, listing });
    },

    /** Removes an import's plan, which nobody will read. */
    async forgetImport(options: { listing: string }): Promise<void> {
      await forgetListing(database, options.listing);
    },

    /** Judges customers, all pages being read: whose each is, or why nobody's. */
    async matchCustomers(options: { listing: string; create_missing: boolean }): Promise<ImportStretch> {
      const { listing } = options;
      await analyzeListings(database);
      const more = await forAStretch(now, async () => {
        const batch = await unjudgedCustomers(database, {
          listing,
          livemode,
          billingTenant,
          limit: JUDGED_AT_ONCE,
        });
        const matches = batch.map(({ customer, facts }) => ({
          ...matchCustomer(facts, options.create_missing),
          customer,
        }));
        if (matches.length > 0) await recordMatches(database, { listing, matches });
        return matches.length === JUDGED_AT_ONCE;
      });
      return { ...(await countPlan(database, listing)), more };
    },

    /**
     * The next products of what was listed that we have no row of; each is synced by itself before anything refers to it.
     *
     * @param options.after the last one of the call before
     */
    async unknownProducts(options: { listing: string; after: string }): Promise<string[]> {
      return unknownProductsOf(database, { ...options, limit: PRODUCTS_AT_ONCE });
    },

    /** Links customers to their tenants and writes their subscriptions, where ours differ; what live events wrote later stays. */
    async applyCustomers(options: { listing: string }): Promise<ImportStretch> {
      const { listing } = options;
      const more = await forAStretch(now, async () => {
        const batch = await customersToApply(database, {
          listing,
          limit: APPLIED_AT_ONCE,
          subscriptionsMax: SUBSCRIPTIONS_AT_ONCE,
        });
        await applyBatch(dependencies, { listing, batch });
        return batch.length > 0;
      });
      return { ...(await countPlan(database, listing)), more };
    },

    /** Begins tenants for paying customers without one, a few at a time. */
    async createMissingTenants(options: { listing: string }): Promise<ImportStretch & { under_way: number }> {
      const { listing } = options;
      const underWay = await countUnderCreation(database, { listing, minutesMax: CREATION_MINUTES_MAX });
      const batch = await customersToCreate(database, {
        listing,
        limit: Math.max(0, UNDER_CREATION_MAX - underWay),
      });
      for (const { customer, email, name } of batch) {
        if (!(await beginTenant(dependencies, { customer, email: email ?? '', name }))) {
          await recordMatches(database, { listing, matches: [{ customer, ...left('no_email') }] });
          continue;
        }
        await recordApplied(database, { listing, customers: [customer], written: new Set([customer]) });
      }
      const counts = await countPlan(database, listing);
      return { ...counts, more: batch.length > 0, under_way: underWay + batch.length };
    },

    /** The next customers whose metadata in Stripe does not name their tenant. */
    async customersToTag(options: { listing: string }): Promise<{ customer: string; tenant: string }[]> {
      return customersToTag(database, { listing: options.listing, limit: TAGGED_AT_ONCE });
    },

    async recordTagged(options: { listing: string; customers: string[] }): Promise<PlanCounts> {
      await recordTagged(database, options);
      return countPlan(database, options.listing);
    },

    /**
     * Both sides counted by status, and the next of what differs.
     *
     * @param options.until when the listing began, ISO 8601
     * @param options.after the last subscription of the call before
     */
    async prove(options: {
      listing: string;
      until: string;
      after: string;
    }): Promise<{ by_status: ProofByStatus[]; differences: ProofDifference[] }> {
      const question = { listing: options.listing, until: new Date(options.until) };
      await analyzeListings(database);
      const by_status = await countProof(database, question);
      const differences = await proofDifferences(database, {
        ...question,
        after: options.after,
        limit: DIFFERENCES_AT_ONCE,
      });
      return { by_status, differences };
    },

    /** Records an operator's command on a long run of ours. */
    async recordRunCommand(command: {
      key: string;
      workflow_id: string;
      action: string;
      actor: string;
      reason: string;
    }): Promise<void> {
      await recordCommand(database, {
        tenant: null,
        commandKey: command.key,
        actor: command.actor,
        action: command.action,
        subject: command.workflow_id,
        reason: command.reason,
      });
    },
  };
}

/** Runs steps until one says that there are no more, or the time is over. @returns whether there are more */
async function forAStretch(now: () => Date, step: () => Promise<boolean>): Promise<boolean> {
  const endMs = now().getTime() + STRETCH_MS;
  for (;;) {
    if (!(await step())) return false;
    if (now().getTime() >= endMs) return true;
  }
}

/** A batch that the database refuses is taken apart, so that one customer does not stop the others. */
async function applyBatch(
  dependencies: ActivityDependencies,
  options: { listing: string; batch: readonly MatchedCustomer[] },
): Promise<void> {
  const { listing, batch } = options;
  if (batch.length === 0) return;
  try {
    await writeBatch(dependencies, options);
  } catch (error) {
    const failure = databaseFailure(error);
    if (!(failure instanceof Failure && failure.name === 'DatabaseRefused')) throw error;
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      // Its tenant was removed in this moment; whatever else Postgres refuses of it is for operators to see.
      if (await tenantExists(dependencies.database, only.tenant)) throw error;
      const matches = [{ customer: only.customer, ...conflict('unknown_tenant', []) }];
      await recordMatches(dependencies.database, { listing, matches });
      return;
    }
    for (const each of batch) await applyBatch(dependencies, { listing, batch: [each] });
  }
}

async function writeBatch(
  dependencies: ActivityDependencies,
  { listing, batch: asked }: { listing: string; batch: readonly MatchedCustomer[] },
): Promise<void> {
  const { database, licensePrices, billingTenant, dunningPolicy } = dependencies;
  const now = dependencies.now();
  await database.transaction(async (transaction) => {
    const disputed = await disputedCustomers(transaction, { listing, batch: asked });
    if (disputed.size > 0) {
      const matches = [...disputed].map(([customer, of]) => ({
        customer,
        ...conflict('several_tenants', of),
      }));
      await recordMatches(transaction, { listing, matches });
    }
    const batch = asked.filter(({ customer }) => !disputed.has(customer));
    const customers = batch.map(({ customer }) => customer);
    const links = batch.filter(({ outcome }) => outcome === 'link');
    const linked = await linkCustomers(transaction, { links, billingTenant, now });
    const owners = await lockCustomers(transaction, customers);
    const listed = await listedCustomers(transaction, { listing, customers });
    const held = await heldSubscriptions(
      transaction,
      listed.flatMap(({ subscriptions }) => subscriptions.map(({ id }) => id)),
    );
    const differs = (each: ListedCustomer) =>
      each.subscriptions.some((subscription) => {
        const theirs = projectSubscription(subscription, licensePrices);
        return subscriptionDifferences(held.get(subscription.id) ?? null, theirs).length > 0;
      });
    const contacts = new Map(batch.map(({ customer, ...contact }) => [customer, contact]));
    const snapshots = listed.flatMap((each): CustomerSnapshot[] => {
      const owner = owners.get(each.customer);
      if (owner === undefined) return [];
      const isFresher = owner.syncedAt !== null && owner.syncedAt >= each.fetchedAt;
      if (isFresher || !differs(each)) return [];
      const contact = contacts.get(each.customer);
      return [
        {
          customer: each.customer,
          syncVersion: owner.syncVersion,
          subscriptions: each.subscriptions,
          products: [],
          // Reconcile brings the open ones.
          invoices: null,
          contact: contact === undefined || contact.isDeleted ? null : contact,
        },
      ];
    });
    if (snapshots.length > 0) {
      await writeSnapshots(transaction, { snapshots, licensePrices, billingTenant, dunningPolicy, now });
    }
    const written = new Set([...linked, ...snapshots.map(({ customer }) => customer)]);
    const linkedByOthers = links.flatMap(({ customer, tenant }) => {
      const owner = owners.get(customer);
      if (owner === undefined || owner.tenant === tenant) return [];
      return [{ customer, ...matched('known', owner.tenant) }];
    });
    if (linkedByOthers.length > 0) await recordMatches(transaction, { listing, matches: linkedByOthers });
    await recordApplied(transaction, { listing, customers, written });
  });
}

/** @returns false when nobody can be invited at the address that Stripe has */
async function beginTenant(
  { startCreateTenant }: ActivityDependencies,
  { customer, email, name }: { customer: string; email: string; name: string | null },
): Promise<boolean> {
  try {
    await startCreateTenant({
      stripe_customer_id: customer,
      email,
      client_name: clientName(name, email),
      source: 'migration_import',
    });
    return true;
  } catch (error) {
    if (error instanceof Failure && error.name === 'InvalidInput') return false;
    throw error;
  }
}

/** What a tenant is called whose customer has no name, or one that can't be a tenant's. */
function clientName(name: string | null, email: string): string {
  const printable = (name ?? '').replace(/[\p{Cc}\p{Cs}]/gu, ' ').trim();
  return (printable === '' ? email : printable).slice(0, CLIENT_NAME_LENGTH_MAX);
}
