import { ApplicationFailure } from '@temporalio/common';
import { databaseFailure } from '../db/errors.ts';
import { Failure, isFinal, UNEXPECTED_ATTEMPTS_MAX } from '../domain/failures.ts';
import { stripeFailure } from '../stripe/errors.ts';

/** An error as the failure it is, whoever threw it. */
export function nameError(error: unknown): unknown {
  return stripeFailure(databaseFailure(error));
}

/** Is this the last attempt that the error allows? An error without a name may be a passing one, but not for ever. */
export function isLastAttempt(error: unknown, attempt: number): boolean {
  const named = nameError(error);
  return named instanceof Failure ? isFinal(named.name) : attempt >= UNEXPECTED_ATTEMPTS_MAX;
}

/**
 * What Temporal is told of an error: its name as the type, whether to try again, and when the other side asked us to.
 * The stack and causes of our own errors stay here, they may quote rows and parameters.
 */
export function toApplicationFailure(error: unknown, attempt: number): ApplicationFailure {
  const named = nameError(error);
  return ApplicationFailure.create({
    type: named instanceof Error ? named.name : 'Error',
    message: named instanceof Error ? named.message : 'Something that is no error was thrown',
    nonRetryable: isLastAttempt(named, attempt),
    ...(named instanceof Failure &&
      named.retryAfterMs !== undefined && { nextRetryDelay: named.retryAfterMs }),
  });
}
