import type { Client, WorkflowHandle } from '@temporalio/client';
import { dunningWorkflowId } from '../../client/contract.ts';
import { wakeDunning } from '../../client/wake-dunning.ts';
import type { dunningWorkflow } from '../../workflows/dunning.ts';
import { untilQuiet } from './quiet-runs.ts';

export type DunningHandle = WorkflowHandle<typeof dunningWorkflow>;

/** The dunning runs that a test has woken. */
export class DunningRuns {
  readonly taskQueue = crypto.randomUUID();
  readonly #client: Client;
  readonly #woken = new Set<string>();
  readonly #isIdle: () => boolean;

  /** @param options.isIdle do the workers run no activity? */
  constructor(options: { client: Client; isIdle: () => boolean }) {
    this.#client = options.client;
    this.#isIdle = options.isIdle;
  }

  of(subscription: string): DunningHandle {
    return this.#client.workflow.getHandle<typeof dunningWorkflow>(dunningWorkflowId(subscription));
  }

  all(): DunningHandle[] {
    return [...this.#woken].map((subscription) => this.of(subscription));
  }

  /** Starts or signals a run, as billing sync does. */
  async wake(subscription: string): Promise<void> {
    this.#woken.add(subscription);
    const { taskQueue } = this;
    await wakeDunning(this.#client.workflow, { stripeSubscriptionId: subscription, taskQueue });
  }

  /** Resolves when no run has anything to do but to wait. */
  quiet(): Promise<void> {
    return untilQuiet({ handles: this.all(), isIdle: this.#isIdle });
  }

  /** Ends what a test leaves, so that no later one waits for its timers. */
  async end(): Promise<void> {
    for (const run of this.all()) {
      const { status } = await run.describe();
      if (status.name === 'RUNNING') await run.terminate();
    }
    this.#woken.clear();
  }
}
