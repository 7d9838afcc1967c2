import { StripeError } from './errors.ts';
import type { Fault } from './faults.ts';
import type { StoredAnswer } from './idempotency.ts';

/** What to send. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** `lost`: the connection is destroyed instead; `cut`: in the middle of the body. */
  readonly fate: 'whole' | 'cut' | 'lost';
}

/** An answer in JSON. */
export function jsonAnswer(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): ApiAnswer {
  return { status, body, headers: { 'content-type': 'application/json', ...headers }, fate: 'whole' };
}

/** A stored answer, sent again. */
export function replayAnswer(stored: StoredAnswer, key: string): ApiAnswer {
  return jsonAnswer(stored.status, stored.body, {
    'idempotency-key': key,
    'idempotent-replayed': 'true',
    'original-request': stored.originalRequestId,
  });
}

/** A refusal. Anything but a StripeError is a defect of the simulator, and says so. */
export function refusalAnswer(error: unknown): ApiAnswer {
  const known = error instanceof StripeError ? error : defect(error);
  return jsonAnswer(known.status, JSON.stringify({ error: known.body }), known.headers);
}

/** What a proxy in front of Stripe answers: HTML, without Stripe's headers. */
export function gatewayAnswer(status: number): ApiAnswer {
  const body = `<html><head><title>${status} Bad Gateway</title></head><body><h1>${status} Bad Gateway</h1></body></html>`;
  return { status, body, headers: { 'content-type': 'text/html' }, fate: 'whole' };
}

/** What a fault does to a finished answer. */
export function struckAnswer(answer: ApiAnswer, fault: Fault | undefined): ApiAnswer {
  if (!fault) return answer;
  const headers = fault.shouldRetry === undefined ? {} : { 'stripe-should-retry': String(fault.shouldRetry) };
  const fate = fault.kind === 'lost_answer' ? 'lost' : fault.kind === 'cut_body' ? 'cut' : answer.fate;
  return { ...answer, headers: { ...answer.headers, ...headers }, fate };
}

function defect(error: unknown): StripeError {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new StripeError(500, { type: 'api_error', message: `The simulator failed: ${text}` });
}
