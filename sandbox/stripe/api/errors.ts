/** The `error` object of an answer. Stripe leaves out what does not apply. */
export interface StripeErrorBody {
  type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';
  message: string;
  code?: string;
  param?: string;
  advice_code?: string;
  /** `ch_…` of the charge that was declined. */
  charge?: string;
  decline_code?: string;
  doc_url?: string;
  network_decline_code?: string;
  /** The objects that were refused, as they are now. */
  payment_intent?: object;
  payment_method?: object;
  setup_intent?: object;
}

/** A refusal in Stripe's form; the server turns it into an answer. */
export class StripeError extends Error {
  readonly status: number;
  readonly body: StripeErrorBody;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether what was done before the refusal stays done, as with a card that was charged and declined. */
  readonly keepsChanges: boolean;

  constructor(
    status: number,
    body: StripeErrorBody,
    options: { headers?: Readonly<Record<string, string>>; keepsChanges?: boolean } = {},
  ) {
    super(body.message);
    this.name = 'StripeError';
    this.status = status;
    this.body = body;
    this.headers = options.headers ?? {};
    this.keepsChanges = options.keepsChanges ?? false;
  }
}

/** A request that is wrong in itself: 400 unless another status is given. */
export function invalidRequest(body: Omit<StripeErrorBody, 'type'>, status = 400): StripeError {
  return new StripeError(status, { type: 'invalid_request_error', ...body });
}

/**
 * A card or its payment was refused: 402.
 * @param options.keepsChanges whether the attempt is remembered, as a declined charge is
 */
export function cardRefused(
  body: Omit<StripeErrorBody, 'type'>,
  options: { keepsChanges: boolean },
): StripeError {
  return new StripeError(402, { type: 'card_error', ...body }, options);
}

/** Intents and sessions choose the types of payment methods themselves since 2026-09-30: 400. */
export function paymentMethodTypesRefused(): StripeError {
  return invalidRequest({
    code: 'payment_method_types_no_longer_supported',
    param: 'payment_method_types',
    message:
      'The `payment_method_types` parameter is no longer supported. Use `allowed_payment_method_types`, or leave it out.',
  });
}

/** A parameter that this endpoint does not know. */
export function parameterUnknown(param: string): StripeError {
  return invalidRequest({
    code: 'parameter_unknown',
    param,
    message: `Received unknown parameter: ${param}`,
  });
}

/** A parameter that this endpoint can't do without. */
export function parameterMissing(param: string): StripeError {
  return invalidRequest({ code: 'parameter_missing', param, message: `Missing required param: ${param}.` });
}

/** Nothing has the id in the path: 404. @param param what Stripe calls that part of the path */
export function noSuchInPath(noun: string, id: string, param = 'id'): StripeError {
  return invalidRequest({ code: 'resource_missing', param, message: `No such ${noun}: '${id}'` }, 404);
}

/** Nothing has the id in a parameter: 400, with the parameter's name. */
export function noSuchInParameter(noun: string, id: string, param: string): StripeError {
  return invalidRequest({ code: 'resource_missing', param, message: `No such ${noun}: '${id}'` });
}

/** The v2 API has nothing with the id in the path: 404. Code and wording are unconfirmed. */
export function objectNotFound(): StripeError {
  return invalidRequest({ code: 'not_found', message: 'Object not found' }, 404);
}

/** A URL that is no endpoint: 404. */
export function unrecognizedUrl(method: string, path: string): StripeError {
  const message = `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`;
  return invalidRequest({ message }, 404);
}

/** A request without a key: 401. */
export function apiKeyMissing(): StripeError {
  const message =
    "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').";
  return invalidRequest({ message }, 401);
}

/** A key that is not a secret or restricted one: 401. */
export function apiKeyInvalid(key: string): StripeError {
  return invalidRequest({ message: `Invalid API Key provided: ${key.slice(0, 7)}****` }, 401);
}

/**
 * `Stripe-Account` or `Stripe-Context` names no account that the key may act for: 403. That status and wording also
 * meet what is no account's id at all is unconfirmed.
 */
export function accountInvalid(id: string): StripeError {
  const message = `The provided key does not have access to account '${id}' (or that account does not exist). Application access may have been revoked.`;
  return invalidRequest({ code: 'account_invalid', message }, 403);
}

/** A key was used again with something else: 400. */
export function idempotencyMismatch(key: string): StripeError {
  const message = `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`;
  return new StripeError(400, { type: 'idempotency_error', message });
}

/** The first request with this key has not been answered yet: 409. */
export function idempotencyKeyInUse(key: string): StripeError {
  const message = `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`;
  return new StripeError(409, { type: 'idempotency_error', code: 'idempotency_key_in_use', message });
}

/**
 * Too many requests: 429 with the reason header that rate limits carry.
 * @param reason `global-rate`: of the account; `endpoint-rate`: of this endpoint
 */
export function rateLimited(reason: 'endpoint-rate' | 'global-rate'): StripeError {
  const message =
    'Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.';
  return new StripeError(
    429,
    { type: 'invalid_request_error', code: 'rate_limit', message },
    { headers: { 'stripe-rate-limited-reason': reason } },
  );
}

/** Another request holds the object: 429 without the reason header; nothing was done. */
export function lockTimeout(): StripeError {
  const message =
    'This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request.';
  return new StripeError(429, { type: 'invalid_request_error', code: 'lock_timeout', message });
}

/** Stripe's own failure. */
export function apiFailure(status = 500): StripeError {
  const message =
    'Sorry! There was an error while talking to one of our backends. We have already been notified.';
  return new StripeError(status, { type: 'api_error', message });
}
