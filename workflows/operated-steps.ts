import { ActivityFailure, ApplicationFailure, condition, isCancellation } from '@temporalio/workflow';
import {
  CREATE_TENANT_STEPS,
  type CreateTenantStep,
  type StepProgress,
  type StepState,
} from '../client/contract.ts';
import { adviceFor, Failure } from '../domain/failures.ts';

type Decision = 'retry' | 'abandon';

/** A step that was begun; `settled` resolves when it is over, with undefined when it was left out. */
export type OperatedStep<T> = { settled: Promise<T | undefined> };

/**
 * The steps of a run that recovers forward: one that fails for good waits, visibly, until an operator has it tried
 * again or left out.
 */
export class OperatedSteps {
  readonly #steps: StepProgress[] = [];
  readonly #decisions = new Map<string, Decision>();
  readonly #claimed = new Set<string>();
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** The steps so far, in the order of the contract: some of them run at the same time. */
  get progress(): StepProgress[] {
    const order = (step: StepProgress) => CREATE_TENANT_STEPS.indexOf(step.name);
    return this.#steps.map((step) => ({ ...step })).sort((a, b) => order(a) - order(b));
  }

  get isWaiting(): boolean {
    return this.#steps.some((step) => step.state === 'waiting');
  }

  /** Runs a step whose failure ends the run. */
  async run<T>(name: CreateTenantStep, action: () => Promise<T>): Promise<T> {
    const step = this.#enter(name);
    try {
      const result = await action();
      this.#change(step, 'done');
      return result;
    } catch (error) {
      // The run ends with it; whoever looks at the steps afterwards sees where and why.
      if (!isCancellation(error)) this.#change(step, 'running', explain(error));
      throw error;
    }
  }

  /** Runs a step whose failure waits for an operator. Resolves when the step is over or begins to wait. */
  async begin<T>(name: CreateTenantStep, action: () => Promise<T>): Promise<OperatedStep<T>> {
    const step = this.#enter(name);
    const settled = this.#drive(step, action);
    // It may be awaited much later, and a cancelled run must not count it as unhandled until then.
    settled.catch(() => undefined);
    await Promise.race([settled, condition(() => step.state === 'waiting')]);
    return { settled };
  }

  /** Leaves a step out from the start. */
  skip(name: CreateTenantStep, reason: string): OperatedStep<never> {
    this.#change(this.#enter(name), 'skipped', reason);
    return { settled: Promise.resolve(undefined) };
  }

  /** @throws ApplicationFailure when the step doesn't wait for an operator, or another command for it is being carried out */
  expectWaiting(name: string): void {
    const state = this.#steps.find((step) => step.name === name)?.state ?? 'not begun';
    if (state !== 'waiting' || this.#claimed.has(name)) {
      const why = state === 'waiting' ? 'another command for it is being carried out' : `it is ${state}`;
      throw ApplicationFailure.nonRetryable(
        `Step ${name} does not wait for an operator: ${why}`,
        'InvalidInput',
      );
    }
  }

  /**
   * Carries out an operator's decision on a waiting step, after it was recorded. The step is claimed before the first
   * await, so of two commands at once only one gets it.
   */
  async decide(name: string, decision: Decision, record: () => Promise<void>): Promise<void> {
    this.expectWaiting(name);
    this.#claimed.add(name);
    try {
      await record();
      this.#decisions.set(name, decision);
    } finally {
      this.#claimed.delete(name);
    }
  }

  async #drive<T>(step: StepProgress, action: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      try {
        const result = await action();
        this.#change(step, 'done');
        return result;
      } catch (error) {
        if (isCancellation(error)) throw error;
        this.#change(step, 'waiting', explain(error));
      }
      await condition(() => this.#decisions.has(step.name));
      const decision = this.#decisions.get(step.name);
      this.#decisions.delete(step.name);
      if (decision === 'abandon') {
        this.#change(step, 'skipped', 'abandoned by an operator');
        return undefined;
      }
      this.#change(step, 'running');
    }
  }

  #enter(name: CreateTenantStep): StepProgress {
    const step: StepProgress = { name, state: 'running' };
    this.#steps.push(step);
    this.#onChange();
    return step;
  }

  #change(step: StepProgress, state: StepState, reason?: string): void {
    step.state = state;
    if (reason === undefined) delete step.reason;
    else step.reason = reason;
    this.#onChange();
  }
}

/** The failure behind what an activity or the domain threw. */
export function rootFailure(error: unknown): ApplicationFailure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof Failure) return ApplicationFailure.nonRetryable(cause.message, cause.name);
  return cause instanceof ApplicationFailure
    ? cause
    : ApplicationFailure.nonRetryable(cause instanceof Error ? cause.message : String(cause), 'Unexpected');
}

function explain(error: unknown): string {
  const failure = rootFailure(error);
  const name = failure.type ?? 'Unexpected';
  return `${name}: ${failure.message}. ${adviceFor(name)}`;
}
