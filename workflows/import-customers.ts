import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  ContinueAsNew,
  condition,
  continueAsNew,
  currentUpdateInfo,
  defineQuery,
  defineUpdate,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  IMPORT_UPDATES,
  type ImportCustomersInput,
  type ImportCustomersResult,
  type ImportPhase,
  type ImportProgress,
  QUERIES,
} from '../client/contract.ts';
import type { FailureName } from '../domain/failures.ts';
import { productSubject } from '../domain/ids.ts';
import { readOrder } from '../domain/operator-command.ts';
import { activities, BULK_PRIORITY, stripeActivities } from './activities.ts';
import { atOnce } from './at-once.ts';
import { importDetails } from './import-details.ts';
import { beginListing, type Listing, listInParts } from './list-in-parts.ts';
import { rootFailure } from './operated-steps.ts';
import { showRunState } from './run-state.ts';

/** Of one run; the next one goes on where it stood. */
const PAGES_PER_RUN_MAX = 1_000;
/** Requests for single objects that are under way at the same time. */
const SINGLES_UNDER_WAY_MAX = 10;
/** Between two looks at tenants that are being made. */
const CREATION_PAUSE_MS = 2_000;
/** Rounds in which what differs is brought in line and looked at again, before it counts as a difference. */
const PROOF_ROUNDS_MAX = 5;
/** Differences that a proof looks at again, each by requests of its own; where there are more, something larger is wrong. */
const PROOF_LOOKS_MAX = 2_000;

const progressQuery = defineQuery<ImportProgress>(QUERIES.progress);
type Order = { actor: string; reason: string };

/** How far an import is: all that it knows, so that a run can continue as new at any moment between two activities. */
type ImportState = {
  phase: ImportPhase;
  phaseBeganMs: number;
  listing: Listing;
  isPaused: boolean;
  counts: Pick<
    ImportProgress,
    'customers' | 'known' | 'linked' | 'created' | 'conflicts' | 'left' | 'tagged' | 'written'
  >;
  /** Of the phase's customers, those that are done. */
  doneShare: number | null;
  /** How far the proof is: in which round, after which subscription of it, and how many it looked at in all of them. */
  proof: { round: number; after: string; looks: number };
};

/**
 * Brings in all of Stripe's customers that have a subscription: lists them, judges whose each is, and (when told to apply)
 * writes their rows, begins missing tenants, tags customers, and proves that nothing is missing. What it finds stands in
 * the plan's rows, by customer; the run itself only knows how far it is.
 */
export async function importCustomersWorkflow(
  input: ImportCustomersInput = {},
  state?: ImportState,
): Promise<ImportCustomersResult> {
  const run = new ImportRun(input, state);
  try {
    const result = await run.carryOut();
    await condition(allHandlersFinished);
    return result;
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    const failure = isCancellation(error) ? error : rootFailure(error);
    if (failure instanceof ApplicationFailure) run.show(failure);
    // Also of a cancelled run: the server takes no answer after the command that ends it.
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    throw failure;
  }
}

class ImportRun {
  readonly #input: ImportCustomersInput;
  readonly #state: ImportState;
  /** Names the plan's rows; the same for all runs of the chain. */
  readonly #listing: string;

  constructor(input: ImportCustomersInput, state: ImportState | undefined) {
    this.#input = input;
    this.#listing = `${kindOf(input)}/${workflowInfo().firstExecutionRunId}`;
    this.#state = state ?? {
      phase: 'listing',
      phaseBeganMs: Date.now(),
      listing: beginListing(Date.now()),
      isPaused: false,
      counts: { customers: 0, known: 0, linked: 0, created: 0, conflicts: 0, left: 0, tagged: 0, written: 0 },
      doneShare: null,
      proof: { round: 1, after: '', looks: 0 },
    };
    setHandler(progressQuery, () => this.#progress());
    this.#take(IMPORT_UPDATES.pause, true);
    this.#take(IMPORT_UPDATES.resume, false);
  }

  async carryOut(): Promise<ImportCustomersResult> {
    const { create_missing, tag, proof_only } = this.#input;
    const isOne = this.#input.one !== undefined;
    const isApplied = (this.#input.apply === true && !proof_only) || isOne;
    const isProven = (isApplied || proof_only === true) && !isOne;
    const phases: { name: ImportPhase; isAsked: boolean; carryOut: () => Promise<void> }[] = [
      { name: 'listing', isAsked: true, carryOut: () => this.#list() },
      { name: 'matching', isAsked: true, carryOut: () => this.#match() },
      { name: 'applying', isAsked: isApplied, carryOut: () => this.#apply() },
      { name: 'creating', isAsked: isApplied && create_missing === true, carryOut: () => this.#create() },
      { name: 'tagging', isAsked: isApplied && tag === true, carryOut: () => this.#tag() },
    ];
    this.show();
    const reached = phases.findIndex(({ name }) => name === this.#state.phase);
    for (const { name, isAsked, carryOut } of reached < 0 ? [] : phases.slice(reached)) {
      if (!isAsked) continue;
      if (name !== this.#state.phase) this.#enter(name);
      await condition(() => !this.#state.isPaused);
      await carryOut();
    }
    if (isProven && this.#state.phase !== 'proving') this.#enter('proving');
    const proof = isProven ? await this.#prove() : null;
    if (isOne) await activities('The plan of a single subscription').forgetImport({ listing: this.#listing });
    this.#enter('done');
    const { phase: _, paused: __, done_share: ___, estimated_end: ____, ...figures } = this.#progress();
    return { ...figures, applied: isApplied, proof };
  }

  /** @param failure what ended the run */
  show(failure?: ApplicationFailure): void {
    setCurrentDetails(importDetails(this.#input, this.#progress(), failure));
    const phase = this.#state.phase === 'done' ? 'completed' : 'running';
    showRunState({ tenantryState: failure ? 'failed' : this.#state.isPaused ? 'waiting' : phase });
  }

  async #list(): Promise<void> {
    const { listing } = this.#state;
    const { one } = this.#input;
    if (one !== undefined) {
      const listOne = stripeActivities('A subscription and the others of its customer').listOneForImport;
      listing.objects = await listOne({ listing: this.#listing, ...one });
      return;
    }
    const pagesBefore = listing.pages;
    const readPage = stripeActivities(
      'A page of subscriptions with their customers',
      BULK_PRIORITY,
    ).listForImport;
    if (pagesBefore === 0)
      await activities('What earlier imports left').beginImport({ listing: this.#listing });
    await listInParts(listing, {
      readPage: ({ from, before, after }) => readPage({ listing: this.#listing, from, before, after }),
      onPage: (share) => {
        this.#state.doneShare = share;
        this.show();
      },
      mayBegin: () => !this.#state.isPaused,
      mustRest: () =>
        listing.pages - pagesBefore >= PAGES_PER_RUN_MAX || workflowInfo().continueAsNewSuggested,
    });
    if (listing.ranges.length > 0) await this.#continueAsNew();
  }

  async #match(): Promise<void> {
    for (let more = true; more; ) {
      const judged = await activities('Whose each customer is').matchCustomers({
        listing: this.#listing,
        create_missing: this.#input.create_missing === true,
      });
      more = judged.more;
      await this.#count(judged, share(judgedOf(judged), judged.customers));
    }
  }

  async #apply(): Promise<void> {
    // One that Stripe doesn't have any more stays unknown, so they are gone through once, in their order.
    for (let after: string | undefined = ''; after !== undefined; ) {
      const products: string[] = await activities('Products that are not known yet').unknownProducts({
        listing: this.#listing,
        after,
      });
      await atOnce(products, SINGLES_UNDER_WAY_MAX, async (product) => {
        await stripeActivities(`Product ${product}`, BULK_PRIORITY).syncSubject({
          subject: productSubject(product),
          only_pending: false,
        });
      });
      after = products.at(-1);
    }
    for (let more = true; more; ) {
      const applied = await activities('Customers are linked, subscriptions written').applyCustomers({
        listing: this.#listing,
      });
      more = applied.more;
      const { known, link } = applied.outcomes;
      await this.#count(applied, share(applied.applied, known + link));
    }
  }

  /** The creation of each tenant is a run of its own, which goes on whatever becomes of this one. */
  async #create(): Promise<void> {
    for (;;) {
      const begun = await activities('Tenants for paying customers without one').createMissingTenants({
        listing: this.#listing,
      });
      await this.#count(begun, null);
      if (!begun.more && begun.under_way === 0) break;
      await condition(() => false, CREATION_PAUSE_MS);
    }
  }

  async #tag(): Promise<void> {
    const tag = stripeActivities(
      'The tenant’s id is written to its customer',
      BULK_PRIORITY,
    ).tagImportedCustomer;
    for (;;) {
      const due = await activities('Customers that do not name their tenant').customersToTag({
        listing: this.#listing,
      });
      if (due.length === 0) break;
      await atOnce(due, SINGLES_UNDER_WAY_MAX, async (each) => {
        try {
          await tag({ ...each, key: `${this.#listing}/tag` });
        } catch (error) {
          // Deleted meanwhile, or its metadata is full: that is no reason for the others to wait.
          if (!cantBeTagged(error)) throw error;
        }
      });
      const counts = await activities('What was tagged').recordTagged({
        listing: this.#listing,
        customers: due.map(({ customer }) => customer),
      });
      await this.#count(counts, null);
    }
  }

  /** What differs is brought in line and read again by itself: much of it only changed while the import ran. */
  async #prove(): Promise<ImportCustomersResult['proof']> {
    const question = {
      listing: this.#listing,
      until: new Date(this.#state.listing.began * 1000).toISOString(),
    };
    // Where nothing is brought in line a second look sees what the first one saw.
    const roundsMax = this.#input.proof_only ? 1 : PROOF_ROUNDS_MAX;
    const { proof } = this.#state;
    for (;;) {
      const { by_status, differences } = await activities('Stripe’s list against ours').prove({
        ...question,
        after: proof.after,
      });
      const count = by_status.reduce((sum, { differing }) => sum + differing, 0);
      if (count === 0 || proof.round > roundsMax || proof.looks >= PROOF_LOOKS_MAX) {
        return { by_status, differences: count, until: question.until };
      }
      const last = differences.at(-1);
      if (last === undefined) {
        Object.assign(proof, { round: proof.round + 1, after: '' });
        continue;
      }
      await this.#lookAgain(differences);
      Object.assign(proof, { after: last.subscription, looks: proof.looks + differences.length });
      await this.#goOn();
    }
  }

  async #lookAgain(differences: readonly { subscription: string; customer: string }[]): Promise<void> {
    const stripe = stripeActivities('A subscription on which the two sides differ', BULK_PRIORITY);
    const customers = [...new Set(differences.map(({ customer }) => customer))];
    await atOnce(customers, SINGLES_UNDER_WAY_MAX, async (customer) => {
      try {
        if (!this.#input.proof_only) await stripe.syncSubject({ subject: customer, only_pending: false });
      } catch (error) {
        // What can't be brought in line stays a difference, and is listed.
        if (isCancellation(error)) throw error;
      }
      for (const { subscription } of differences.filter((each) => each.customer === customer)) {
        await stripe.listAgain({ listing: this.#listing, subscription });
      }
    });
  }

  #enter(phase: ImportPhase): void {
    this.#state.phase = phase;
    this.#state.phaseBeganMs = Date.now();
    this.#state.doneShare = null;
    this.show();
  }

  /** Notes how far a phase is, waits while the import is paused, and begins a new run when the history grew long. */
  async #count(
    counts: {
      customers: number;
      outcomes: { known: number; link: number; create: number; conflict: number; left: number };
      tagged: number;
      written: number;
    },
    doneShare: number | null,
  ): Promise<void> {
    const { customers, outcomes, tagged, written } = counts;
    const { known, link: linked, create: created, conflict: conflicts, left } = outcomes;
    this.#state.counts = { customers, known, linked, created, conflicts, left, tagged, written };
    this.#state.doneShare = doneShare;
    this.show();
    await this.#goOn();
  }

  async #goOn(): Promise<void> {
    await condition(() => !this.#state.isPaused);
    if (workflowInfo().continueAsNewSuggested) await this.#continueAsNew();
  }

  async #continueAsNew(): Promise<never> {
    await condition(allHandlersFinished);
    return continueAsNew<typeof importCustomersWorkflow>(this.#input, this.#state);
  }

  #progress(): ImportProgress {
    const { phase, phaseBeganMs, listing, isPaused, counts, doneShare } = this.#state;
    const elapsedMs = Date.now() - phaseBeganMs;
    const isKnown = doneShare !== null && doneShare > 0 && !isPaused;
    return {
      listing: this.#listing,
      phase,
      paused: isPaused,
      pages: listing.pages,
      subscriptions: listing.objects,
      ...counts,
      done_share: doneShare,
      estimated_end: isKnown
        ? new Date(Date.now() + (elapsedMs * (1 - doneShare)) / doneShare).toISOString()
        : null,
    };
  }

  #take(name: keyof typeof IMPORT_UPDATES, isPaused: boolean): void {
    setHandler(
      defineUpdate<ImportProgress, [Order]>(name),
      async (order) => {
        await activities(`Operator: ${name}`).recordRunCommand({
          key: `${workflowInfo().workflowId}/${currentUpdateInfo()?.id}`,
          workflow_id: workflowInfo().workflowId,
          action: `import ${name}`,
          ...readOrder(order),
        });
        this.#state.isPaused = isPaused;
        this.show();
        return this.#progress();
      },
      {
        validator: (order) => {
          try {
            readOrder(order);
          } catch (error) {
            throw rootFailure(error);
          }
          if (this.#state.isPaused === isPaused) {
            throw ApplicationFailure.nonRetryable(
              isPaused ? 'The import is paused already' : 'The import is not paused',
              'InvalidInput',
            );
          }
        },
      },
    );
  }
}

/** Plans of one kind replace one another; those of single subscriptions stand by themselves. */
function kindOf({ one, proof_only }: ImportCustomersInput): string {
  if (one !== undefined) return 'one';
  return proof_only ? 'proof' : 'import';
}

function judgedOf({ outcomes }: { outcomes: Record<string, number> }): number {
  return Object.values(outcomes).reduce((sum, count) => sum + count, 0);
}

function share(done: number, all: number): number | null {
  return all === 0 ? null : done / all;
}

/** Concerns this one customer, and passes by no waiting. */
function cantBeTagged(error: unknown): boolean {
  const failure = rootFailure(error);
  const names: readonly FailureName[] = ['CustomerDeleted', 'CustomerNotFound', 'StripeRequestRefused'];
  return failure instanceof ApplicationFailure && names.some((name) => name === failure.type);
}
