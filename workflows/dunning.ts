import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  ContinueAsNew,
  condition,
  continueAsNew,
  currentUpdateInfo,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { DunnedCase, DunningNext } from '../activities/dunning.ts';
import {
  DUNNING_UPDATES,
  type DunningInput,
  type DunningOrder,
  type DunningProgress,
  type DunningResult,
  QUERIES,
  SIGNALS,
} from '../client/contract.ts';
import { type DunningCommandName, readDunningCommand } from '../domain/dunning-command.ts';
import { activities, DUNNING_PRIORITY, stripeActivities } from './activities.ts';
import { dunningDetails } from './dunning-details.ts';
import { rootFailure } from './operated-steps.ts';
import { showRunState } from './run-state.ts';

/** Billing sync found that something of the subscription's invoices changed. */
const wakeSignal = defineSignal(SIGNALS.wake);
const progressQuery = defineQuery<DunningProgress | null>(QUERIES.progress);

/** A mail's own retries wait in the outbox; this only keeps a run that is told «now» again and again from spinning. */
const LOOK_AGAIN_AT_LEAST_MS = 1_000;

/**
 * Follows an unpaid subscription to its end. It decides nothing: each look reads the truth from Stripe, decides and records,
 * and says what to do next; the run does that, or waits for a time, an event or an operator, and looks again. What it
 * knows stands in the case's rows, so it can begin anew at any moment.
 */
export async function dunningWorkflow(input: DunningInput): Promise<DunningResult> {
  const run = new DunningRun(input);
  try {
    const outcome = await run.follow();
    await condition(allHandlersFinished);
    return { outcome };
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    const failure = isCancellation(error) ? error : rootFailure(error);
    if (failure instanceof ApplicationFailure) run.show('failed', failure);
    // Also of a cancelled run: the server takes no answer after the command that ends it.
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    throw failure;
  }
}

class DunningRun {
  readonly #input: DunningInput;
  readonly #workflowId = workflowInfo().workflowId;
  #isWoken = false;
  #dunned: DunnedCase | null = null;
  #waiting: DunningProgress['waiting'] = null;

  constructor(input: DunningInput) {
    this.#input = input;
    setHandler(wakeSignal, () => {
      this.#isWoken = true;
    });
    setHandler(progressQuery, () => progressOf(this.#dunned, this.#waiting));
    for (const name of Object.values(DUNNING_UPDATES)) this.#take(name);
  }

  async follow(): Promise<DunningResult['outcome']> {
    let outcome: DunningResult['outcome'] = null;
    for (;;) {
      this.#isWoken = false;
      const { next, dunned, wake } = await this.#look();
      this.#dunned = dunned ?? this.#dunned;
      this.#waiting = next.do === 'wait' ? next.because : null;
      this.show(phaseOf(next));
      if (wake.length > 0)
        await activities('Other dunning of the customer').wakeDunning({ subscriptions: wake });
      if (next.do === 'end') {
        outcome = next.outcome ?? outcome;
        await this.#tellOfEnd(next.notification_id);
        // Whoever woke the run meanwhile may have opened another case.
        if (!this.#isWoken) return outcome;
        continue;
      }
      await this.#act(next);
      if (workflowInfo().continueAsNewSuggested) {
        await condition(allHandlersFinished);
        await continueAsNew<typeof dunningWorkflow>(this.#input);
      }
    }
  }

  show(phase: 'running' | 'waiting' | 'completed' | 'failed', failure?: ApplicationFailure): void {
    setCurrentDetails(
      dunningDetails({ workflowId: this.#workflowId, dunned: this.#dunned, waiting: this.#waiting, failure }),
    );
    showRunState({
      tenantryState: phase,
      tenantId: this.#dunned?.tenant,
      stripeCustomerId: this.#dunned?.customer,
      stripeSubscriptionId: this.#input.stripe_subscription_id,
    });
  }

  #look() {
    return stripeActivities('What is owed now, and what follows', DUNNING_PRIORITY).lookAtDunning({
      subscription: this.#input.stripe_subscription_id,
      now: now(),
    });
  }

  async #act(next: Exclude<DunningNext, { do: 'end' }>): Promise<void> {
    switch (next.do) {
      case 'deliver':
        await this.#deliver(next.notification_id);
        return;
      case 'cancel':
        await stripeActivities(
          'The subscription ends, unless it was just paid',
          DUNNING_PRIORITY,
        ).cancelUnpaid({
          subscription: this.#input.stripe_subscription_id,
          invoice: next.invoice,
        });
        return this.#untilStripeTells();
      case 'write_off':
        await stripeActivities('Invoices are written off', DUNNING_PRIORITY).writeOffInvoices({
          invoices: next.invoices,
          key: `${this.#workflowId}/${this.#dunned?.case_id}/write_off`,
        });
        return this.#untilStripeTells();
      case 'wait':
        return this.#wait(next.until);
      default:
        return next satisfies never;
    }
  }

  async #deliver(notificationId: string): Promise<void> {
    await stripeActivities('Notice, unless it was just paid', DUNNING_PRIORITY).deliverDunningNotice({
      tenant: this.#dunned?.tenant ?? '',
      notification_id: notificationId,
      now: now(),
    });
  }

  /** A mail that tells of the end is tried once here; should the mail server be away, the sweep goes on. */
  async #tellOfEnd(notificationId: string | null): Promise<void> {
    if (notificationId !== null) await this.#deliver(notificationId);
  }

  /** What was written to Stripe can be read at once, but a look that finds it unchanged must not spin. */
  async #untilStripeTells(): Promise<void> {
    await condition(() => this.#isWoken, LOOK_AGAIN_AT_LEAST_MS);
  }

  async #wait(until: string | null): Promise<void> {
    if (until === null) {
      await condition(() => this.#isWoken);
      return;
    }
    const waitMs = Math.max(new Date(until).getTime() - Date.now(), 1);
    await condition(() => this.#isWoken, waitMs);
  }

  #take(name: DunningCommandName): void {
    const update = defineUpdate<unknown, [DunningOrder]>(name);
    setHandler(update, (command) => this.#obey(name, command), {
      validator: (command) => {
        try {
          readDunningCommand(name, command);
        } catch (error) {
          throw rootFailure(error);
        }
      },
    });
  }

  /** @throws ApplicationFailure InvalidInput that says why the command makes no sense */
  async #obey(name: DunningCommandName, command: DunningOrder): Promise<unknown> {
    try {
      return await this.#carryOut(name, command);
    } catch (error) {
      throw isCancellation(error) ? error : rootFailure(error);
    }
  }

  /** The case's rows judge whether it makes sense: they are the truth, and an answer of the run could be an old one. */
  async #carryOut(name: DunningCommandName, command: DunningOrder): Promise<unknown> {
    const command_id = currentUpdateInfo()?.id ?? '';
    const commanded = await activities(`Operator: ${name}`).commandDunning({
      subscription: this.#input.stripe_subscription_id,
      name,
      command,
      workflow_id: this.#workflowId,
      command_id,
      now: now(),
    });
    if (name !== 'retryPaymentNow' || commanded.invoice === null) {
      this.#isWoken = true;
      return commanded;
    }
    const charged = await stripeActivities('Operator: charge now').payInvoiceNow({
      invoice: commanded.invoice,
      key: `${this.#workflowId}/${commanded.case_id}/pay/${command_id}`,
    });
    this.#isWoken = true;
    return { ...commanded, ...charged };
  }
}

/** By the workflow's own clock, which is the server's: a decision must not depend on which machine made it. */
function now(): string {
  return new Date(Date.now()).toISOString();
}

function phaseOf(next: DunningNext): 'running' | 'waiting' | 'completed' {
  if (next.do === 'end') return 'completed';
  return next.do === 'wait' && next.because === 'unreachable' ? 'waiting' : 'running';
}

function progressOf(dunned: DunnedCase | null, waiting: DunningProgress['waiting']): DunningProgress | null {
  if (dunned === null) return null;
  const { case_id: _case, tenant: _tenant, customer: _customer, ...shown } = dunned;
  return { ...shown, waiting };
}
