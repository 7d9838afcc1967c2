import { StripeError } from '../api/errors.ts';
import type { Simulation } from '../simulation.ts';
import { causedByStripe, runStep, type Transaction } from '../state/transaction.ts';

/** What came of something that a person did on a page: done, or why not, in words for them. */
export type PageOutcome<Result> = { readonly done: Result } | { readonly refusal: string };

/** Runs what a person does on a page. What Stripe refuses is told them; anything else is thrown. */
export function act<Result>(simulation: Simulation, run: (tx: Transaction) => Result): PageOutcome<Result> {
  try {
    return { done: runStep(simulation.steps, causedByStripe, run) };
  } catch (error) {
    if (error instanceof StripeError) return { refusal: error.message };
    throw error;
  }
}

/** Reads for a page; nothing changes. */
export function look<Result>(simulation: Simulation, run: (tx: Transaction) => Result): Result {
  return runStep(simulation.steps, causedByStripe, run);
}
