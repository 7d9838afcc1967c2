import {
  ApplicationFailure,
  ContinueAsNew,
  continueAsNew,
  defineQuery,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { UnlistedKind } from '../activities/reconcile.ts';
import type { EventList } from '../activities/reconcile-events.ts';
import {
  QUERIES,
  type ReconcileBillingInput,
  type ReconcileBillingResult,
  type ReconcileProgress,
} from '../client/contract.ts';
import { adviceFor } from '../domain/failures.ts';
import { activities, BULK_PRIORITY, stripeActivities } from './activities.ts';
import { atOnce } from './at-once.ts';
import { beginListing, type Listing, listInParts } from './list-in-parts.ts';
import { rootFailure } from './operated-steps.ts';
import { showRunState } from './run-state.ts';

/** Of one run; the next one goes on where it stood. */
const PAGES_PER_RUN_MAX = 1_000;
const REPAIRS_UNDER_WAY_MAX = 8;

const progressQuery = defineQuery<ReconcileProgress>(QUERIES.progress);

/** What a run does, in this order. */
const STEPS = [
  'events',
  'subscriptions',
  'unlisted_subscriptions',
  'invoices',
  'unlisted_invoices',
  'unlisted_customers',
  'repair',
  'tenants',
  'repair_tenants',
  'products',
  'done',
] as const;
type Step = (typeof STEPS)[number];

/** How far a run is: all that it knows, so that it can continue as new between two activities. */
type ReconcileState = {
  began: number;
  step: Step;
  /** Lists of events that are left; null before it was asked which there are. */
  eventLists: EventList[] | null;
  /** The list that is being read. */
  listing: Listing | null;
  /** The last of a step that goes through ids in their order. */
  after: string;
  figures: ReconcileBillingResult;
};

/**
 * Holds Stripe's truth against ours: events that no delivery brought go into the inbox, and what differs in subscriptions,
 * open invoices, tenants and prices is recorded and brought in line by billing sync's own writing. Takes `{}` and ends by
 * itself.
 */
export async function reconcileBillingWorkflow(
  input: ReconcileBillingInput = {},
  state?: ReconcileState,
): Promise<ReconcileBillingResult> {
  const run = new ReconcileRun(input, state);
  try {
    return await run.carryOut();
  } catch (error) {
    if (isCancellation(error) || error instanceof ContinueAsNew) throw error;
    const failure = rootFailure(error);
    if (failure instanceof ApplicationFailure) run.show(failure);
    throw failure;
  }
}

class ReconcileRun {
  readonly #input: ReconcileBillingInput;
  readonly #state: ReconcileState;
  /** Names what the run saw; the same for all runs of the chain. */
  readonly #listing = `reconcile/${workflowInfo().firstExecutionRunId}`;
  readonly #until: string;
  #pages = 0;

  constructor(input: ReconcileBillingInput, state: ReconcileState | undefined) {
    this.#input = input;
    this.#state = state ?? {
      began: Math.floor(Date.now() / 1000),
      step: 'events',
      eventLists: null,
      listing: null,
      after: '',
      figures: {
        listing: this.#listing,
        events_checked: 0,
        events_missing: 0,
        subscriptions_checked: 0,
        invoices_checked: 0,
        tenants_checked: 0,
        products_checked: 0,
        drift_found: 0,
        drift_repaired: 0,
        drift_left: 0,
      },
    };
    setHandler(progressQuery, () => ({ step: this.#state.step, figures: this.#state.figures }));
    this.#until = new Date(this.#state.began * 1000).toISOString();
  }

  async carryOut(): Promise<ReconcileBillingResult> {
    const { only, dry_run: isDryRun } = this.#input;
    const isRepaired = isDryRun !== true;
    const steps: Record<Exclude<Step, 'done'>, { isAsked: boolean; carryOut: () => Promise<void> }> = {
      events: { isAsked: only !== 'subscriptions', carryOut: () => this.#events() },
      subscriptions: { isAsked: only !== 'events', carryOut: () => this.#subscriptions() },
      unlisted_subscriptions: { isAsked: only !== 'events', carryOut: () => this.#unlisted('subscription') },
      invoices: { isAsked: only !== 'events', carryOut: () => this.#invoices() },
      unlisted_invoices: { isAsked: only !== 'events', carryOut: () => this.#unlisted('invoice') },
      unlisted_customers: { isAsked: only !== 'events', carryOut: () => this.#unlisted('customer') },
      repair: { isAsked: only !== 'events' && isRepaired, carryOut: () => this.#repair() },
      tenants: { isAsked: only !== 'events', carryOut: () => this.#tenants() },
      repair_tenants: { isAsked: only !== 'events' && isRepaired, carryOut: () => this.#repair() },
      products: { isAsked: only !== 'events', carryOut: () => this.#products() },
    };
    for (let step = this.#state.step; step !== 'done'; step = this.#next()) {
      if (!steps[step].isAsked) continue;
      this.show();
      await steps[step].carryOut();
    }
    const { found, standing } = await activities('What was seen').endReconcile({
      listing: this.#listing,
      began: this.#until,
      closes: only !== 'events' && isRepaired,
    });
    Object.assign(this.#state.figures, {
      drift_found: found,
      drift_repaired: found - standing,
      drift_left: standing,
    });
    this.show();
    return this.#state.figures;
  }

  /** @param failure what ended the run */
  show(failure?: ApplicationFailure): void {
    const { step, figures } = this.#state;
    const lines = Object.entries(figures)
      .filter(([name]) => name !== 'listing')
      .map(([name, value]) => `- ${name.replaceAll('_', ' ')}: ${value}`);
    const details = [
      `**Reconciliation with Stripe**${this.#input.dry_run ? ', dry run' : ''}: ${step.replaceAll('_', ' ')}`,
      lines.join('\n'),
      failure ? `**${failure.type}**: ${failure.message}\n\n${adviceFor(failure.type ?? '')}` : '',
    ];
    setCurrentDetails(details.filter(Boolean).join('\n\n'));
    showRunState({ tenantryState: failure ? 'failed' : step === 'done' ? 'completed' : 'running' });
  }

  #next(): Step {
    const next = STEPS[STEPS.indexOf(this.#state.step) + 1] ?? 'done';
    Object.assign(this.#state, { step: next, listing: null, after: '' });
    return next;
  }

  async #events(): Promise<void> {
    const { figures, began } = this.#state;
    const isDryRun = this.#input.dry_run === true;
    const lists = this.#state.eventLists ?? (await activities('Which events').eventLists({ began }));
    this.#state.eventLists = lists;
    for (let [list] = lists; list !== undefined; [list] = lists) {
      const { from, ...asked } = list;
      this.#state.listing ??= beginListing(began * 1000, from);
      await this.#read(this.#state.listing, async (range) => {
        const page = await stripeActivities('A page of events', BULK_PRIORITY).reconcileEvents({
          ...range,
          list: asked,
          dry_run: isDryRun,
        });
        figures.events_checked += page.count;
        figures.events_missing += page.missing;
        return page;
      });
      this.#state.listing = null;
      lists.shift();
    }
    if (isDryRun) return;
    // Before the cursor moves every event stands in the inbox; who is not woken here is woken by the sweep.
    if (figures.events_missing > 0) await activities('Syncs of events that were missing').wakeDueSubjects();
    await activities('Events are read until here').moveEventCursor({ began });
  }

  async #subscriptions(): Promise<void> {
    const { began, figures } = this.#state;
    this.#state.listing ??= beginListing(began * 1000);
    if (this.#state.listing.pages === 0) await activities('What earlier runs left').beginReconcile();
    await this.#read(this.#state.listing, async (range) => {
      const page = await stripeActivities('A page of subscriptions', BULK_PRIORITY).reconcileSubscriptions({
        ...range,
        listing: this.#listing,
      });
      figures.subscriptions_checked += page.count;
      return page;
    });
  }

  async #unlisted(kind: UnlistedKind): Promise<void> {
    const listing = this.#listing;
    for (;;) {
      const ids = await activities(`Each ${kind} that Stripe does not list`).unlisted({
        kind,
        listing,
        until: this.#until,
        after: this.#state.after,
      });
      const last = ids.at(-1);
      if (last === undefined) return;
      await atOnce(ids, REPAIRS_UNDER_WAY_MAX, (id) =>
        stripeActivities(`${id} by itself`, BULK_PRIORITY).reconcileUnlisted({ kind, listing, id }),
      );
      await this.#goOnAfter(last);
    }
  }

  async #invoices(): Promise<void> {
    const { began, figures } = this.#state;
    this.#state.listing ??= beginListing(began * 1000);
    await this.#read(this.#state.listing, async (range) => {
      const page = await stripeActivities('A page of open invoices', BULK_PRIORITY).reconcileInvoices({
        ...range,
        listing: this.#listing,
      });
      figures.invoices_checked += page.count;
      return page;
    });
  }

  /** Each customer once: what its sync can't bring in line stays recorded. */
  async #repair(): Promise<void> {
    for (;;) {
      const customers = await activities('Customers that differ').customersWithDrift({
        listing: this.#listing,
        began: this.#until,
        after: this.#state.after,
      });
      const last = customers.at(-1);
      if (last === undefined) return;
      await atOnce(customers, REPAIRS_UNDER_WAY_MAX, (customer) =>
        this.#leaveIfItFails(
          stripeActivities(`${customer} is brought in line`, BULK_PRIORITY).repairCustomer({ customer }),
        ),
      );
      await this.#goOnAfter(last);
    }
  }

  async #tenants(): Promise<void> {
    for (let after: string | null = this.#state.after || null; ; ) {
      const { checked, after: last } = await activities('What follows for tenants').reconcileTenants({
        listing: this.#listing,
        after,
      });
      this.#state.figures.tenants_checked += checked;
      if (last === null) return;
      after = last;
      await this.#goOnAfter(last);
    }
  }

  async #products(): Promise<void> {
    for (let after: string | null = null; ; ) {
      const page: { count: number; after: string | null } = await stripeActivities(
        'A page of prices',
        BULK_PRIORITY,
      ).reconcilePrices({
        listing: this.#listing,
        after,
      });
      this.#state.figures.products_checked += page.count;
      after = page.after;
      if (after === null) break;
    }
    if (this.#input.dry_run) return;
    const products = await activities('Products that differ').productsWithDrift({
      listing: this.#listing,
      began: this.#until,
    });
    for (const product of products) {
      await this.#leaveIfItFails(
        stripeActivities(`${product} is brought in line`, BULK_PRIORITY).repairProduct({ product }),
      );
    }
  }

  /** What can't be repaired keeps nobody else's repair from being made: it stands, recorded, with its error in the history. */
  async #leaveIfItFails(repair: Promise<void>): Promise<void> {
    try {
      await repair;
    } catch (error) {
      if (isCancellation(error)) throw error;
    }
  }

  /** Reads a list to its end, in this run or in the next. */
  async #read(listing: Listing, readPage: Parameters<typeof listInParts>[1]['readPage']): Promise<void> {
    await listInParts(listing, {
      readPage: ({ from, before, after }) => readPage({ from, before, after }),
      onPage: () => {
        this.#pages += 1;
        this.show();
      },
      mayBegin: () => true,
      mustRest: () => this.#isLong(),
    });
    if (listing.ranges.length > 0) await this.#continueAsNew();
  }

  async #goOnAfter(last: string): Promise<void> {
    this.#state.after = last;
    if (this.#isLong()) await this.#continueAsNew();
  }

  #isLong(): boolean {
    return this.#pages >= PAGES_PER_RUN_MAX || workflowInfo().continueAsNewSuggested;
  }

  #continueAsNew(): Promise<never> {
    return continueAsNew<typeof reconcileBillingWorkflow>(this.#input, this.#state);
  }
}
