/**
 * Every failure the product knows, by name, and the one place where is decided what follows from it:
 *
 * - `retry`: passes by itself; Temporal tries again until it does.
 * - `final`: trying again can't help. Before a tenant exists it ends the run, after that the step waits for an operator.
 *
 * `advice` is shown to operators beside a waiting step.
 */
export const FAILURES = {
  StripeUnavailable: { after: 'retry', advice: 'Stripe did not answer; nothing to do, it is tried again.' },
  StripeRateLimited: { after: 'retry', advice: 'Stripe asked us to slow down; it is tried again.' },
  StripeObjectLocked: { after: 'retry', advice: 'Another request holds the object; it is tried again.' },
  StripeAuthenticationFailed: {
    after: 'retry',
    advice: 'Stripe refuses STRIPE_SECRET_KEY. Correct the key and restart the worker; the step goes on.',
  },
  DatabaseUnavailable: { after: 'retry', advice: 'Postgres did not answer; it is tried again.' },
  MailServerUnavailable: {
    after: 'retry',
    advice: 'The mail server did not accept the mail; it is tried again.',
  },
  StaleSnapshot: { after: 'retry', advice: 'The customer changed while it was read; it is read again.' },
  InvalidInput: { after: 'final', advice: 'Start the workflow again with a corrected input.' },
  CustomerNotFound: {
    after: 'final',
    advice: 'Check the id and the mode of the key; then start again, or `abandon` a waiting step.',
  },
  CustomerDeleted: {
    after: 'final',
    advice:
      'Before there is a tenant, start with another customer; a waiting step can only be left out with `abandon`.',
  },
  TenantNotFound: { after: 'final', advice: 'Check the id of the tenant, then start again.' },
  SubscriptionOfAnotherCustomer: {
    after: 'final',
    advice:
      'Before there is a tenant, start again with the right subscription id; a waiting step takes it by `amend`.',
  },
  SubscriptionNotFound: {
    after: 'final',
    advice: 'Send `amend` with the right id, or `abandon`.',
  },
  StripePermissionDenied: {
    after: 'final',
    advice: 'Give the Stripe key the permission, then send `retry`.',
  },
  StripeRequestRefused: {
    after: 'final',
    advice: 'Mend the cause, then send `retry` or `abandon`.',
  },
  StripeIdempotencyConflict: {
    after: 'final',
    advice:
      'The idempotency key was used with other parameters. Send `retry`: it reads the state and uses a new key.',
  },
  RecipientRefused: {
    after: 'final',
    advice: 'Send `amend` with another e-mail address.',
  },
  DatabaseRefused: {
    after: 'final',
    advice: 'The message names the constraint; mend the data, then send `retry`.',
  },
} as const satisfies Record<string, { after: 'retry' | 'final'; advice: string }>;

export type FailureName = keyof typeof FAILURES;

/** What an error without a name of the list is called where a failure's name would stand. */
export const UNEXPECTED = 'Unexpected';
/** An error of no known name is given this many attempts before it counts as final. */
export const UNEXPECTED_ATTEMPTS_MAX = 5;

/** A failure with a name of the list above. Its message never holds a secret, an e-mail address or a person's name. */
export class Failure extends Error {
  override readonly name: FailureName;
  /** How long the other side asked us to wait, if it did. */
  readonly retryAfterMs: number | undefined;

  constructor(
    name: FailureName,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = name;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Is it pointless to try again by ourselves? */
export function isFinal(name: FailureName): boolean {
  return FAILURES[name].after === 'final';
}

/** What an operator can do about a failure of this name; names that are not ours get the general answer. */
export function adviceFor(name: string): string {
  return Object.hasOwn(FAILURES, name)
    ? FAILURES[name as FailureName].advice
    : 'An unexpected error. Look at the worker’s log, mend the cause, then send `retry`.';
}
