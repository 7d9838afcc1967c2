import Stripe from 'stripe';
import { Failure, type FailureName } from '../domain/failures.ts';

/**
 * Names an error that came out of a request to Stripe, by status and code; the SDK's classes differ between versions.
 * Its message keeps Stripe's code, parameter and request id, but not Stripe's sentence, which may quote personal data.
 *
 * @returns the error itself when it isn't Stripe's
 */
export function stripeFailure(error: unknown): unknown {
  if (!(error instanceof Stripe.errors.StripeError)) return error;
  return new Failure(nameOf(error), describe(error), { retryAfterMs: retryAfterMs(error) });
}

/** Does Stripe say that an id in the path or in a parameter is unknown to it? */
export function isResourceMissing(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeError && error.code === 'resource_missing';
}

/** The code with which a payment was declined; undefined when the error is another one. */
export function declineCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Stripe.errors.StripeError)) return undefined;
  const isDeclined = error.statusCode === 402 || error.rawType === 'card_error';
  return isDeclined ? (error.decline_code ?? error.code ?? 'declined') : undefined;
}

/**
 * Is the answer to a write a stored one, so that the same key would only bring it again? A failure that is replayed,
 * or a key that was used with other parameters.
 */
export function isSpentKey(error: unknown): boolean {
  if (!(error instanceof Stripe.errors.StripeError)) return false;
  return error.headers?.['idempotent-replayed'] === 'true' || isOtherParameters(error);
}

function isOtherParameters(error: InstanceType<typeof Stripe.errors.StripeError>): boolean {
  return error.rawType === 'idempotency_error' && error.statusCode === 400;
}

function nameOf(error: InstanceType<typeof Stripe.errors.StripeError>): FailureName {
  const { statusCode, code } = error;
  if (statusCode === undefined || statusCode >= 500) return 'StripeUnavailable';
  if (isOtherParameters(error)) return 'StripeIdempotencyConflict';
  if (code === 'lock_timeout' || code === 'idempotency_key_in_use' || statusCode === 409)
    return 'StripeObjectLocked';
  if (statusCode === 429 || code === 'rate_limit') return 'StripeRateLimited';
  if (statusCode === 401) return 'StripeAuthenticationFailed';
  if (statusCode === 403) return 'StripePermissionDenied';
  // An answer of 2xx or 3xx that still became an error was cut or is a proxy's page.
  return statusCode < 400 ? 'StripeUnavailable' : 'StripeRequestRefused';
}

function describe(error: InstanceType<typeof Stripe.errors.StripeError>): string {
  const parts = [
    `Stripe answered ${error.statusCode ?? 'nothing'}`,
    error.code && `code ${error.code}`,
    error.param && `parameter ${error.param}`,
    error.requestId && `request ${error.requestId}`,
  ];
  return parts.filter(Boolean).join(', ');
}

/** Stripe documents no Retry-After, but a proxy in between may send one, in seconds. */
function retryAfterMs(error: InstanceType<typeof Stripe.errors.StripeError>): number | undefined {
  const seconds = Number(error.headers?.['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
}
