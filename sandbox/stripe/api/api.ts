import type { Route } from '../resource.ts';
import type { Simulation } from '../simulation.ts';
import { apiVersion } from '../state/events.ts';
import { type Cause, runStep } from '../state/transaction.ts';
import { apiKeyOf } from './authentication.ts';
import { apiFailure, invalidRequest, lockTimeout, rateLimited, StripeError } from './errors.ts';
import { expand } from './expand.ts';
import type { Fault } from './faults.ts';
import { canonicalForm, type FormParameters } from './form.ts';
import type { IdempotencyKeys, StoredAnswer } from './idempotency.ts';
import type { ReceivedRequest } from './request-log.ts';

/** Stripe's limit for an idempotency key. */
const idempotencyKeyLengthMax = 255;

/** A request as it came, its body or query decoded. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly parameters: FormParameters;
}

/** What to send; `lost`: destroy the connection instead. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly isLost: boolean;
}

/**
 * Answers one API request: authentication, scripted faults, idempotency, the endpoint, expansion. Without a route
 * it is the 404 for an unknown URL.
 */
export async function answerApi(
  simulation: Simulation,
  route: Route | StripeError,
  request: ApiRequest,
): Promise<ApiAnswer> {
  const requestId = simulation.account.ids.next('req');
  const received = logRequest(simulation, request, requestId);
  const fault = simulation.faults.take(request.method, request.path);
  received.fault = fault?.kind ?? null;
  const answer = await settle(simulation, { route, request, received, fault });
  received.status = answer.isLost ? null : answer.status;
  simulation.observer?.onAnswer({
    method: request.method,
    path: route instanceof StripeError ? null : route.path,
    parameters: request.parameters,
    status: answer.status,
    body: answer.body,
    fault: received.fault,
  });
  return {
    ...answer,
    headers: {
      'request-id': requestId,
      'stripe-version': received.stripeVersion ?? apiVersion,
      ...answer.headers,
    },
  };
}

interface Answering {
  readonly route: Route | StripeError;
  readonly request: ApiRequest;
  readonly received: ReceivedRequest;
  readonly fault: Fault | undefined;
}

async function settle(simulation: Simulation, answering: Answering): Promise<ApiAnswer> {
  const { received, route, request } = answering;
  const key = request.method === 'POST' ? received.idempotencyKey : null;
  const { idempotency } = simulation.ofAccount(received.stripeAccount);
  let claimed: string | null = null;
  try {
    apiKeyOf(header(request, 'authorization'));
    if (route instanceof StripeError) throw route;
    refuseByFault(answering.fault);
    if (key !== null) {
      const stored = claim(idempotency, key, request, simulation.account.clock.nowMs());
      if (stored) {
        received.replayed = true;
        return withLoss(replay(stored, key), answering.fault);
      }
      claimed = key;
    }
    if (answering.fault?.kind === 'slow') await pause(answering.fault.delayMs);
    const executed = execute(simulation, { ...answering, route });
    if (claimed !== null && executed.isExecuted) {
      idempotency.store(claimed, { ...executed, originalRequestId: received.requestId });
      claimed = null;
    }
    return withLoss(
      withPostHeaders(toAnswer(executed.status, executed.body), request, received),
      answering.fault,
    );
  } catch (error) {
    return refusal(error);
  } finally {
    if (claimed !== null) idempotency.forget(claimed);
  }
}

function refuseByFault(fault: Fault | undefined): void {
  if (fault?.kind === 'rate_limit') throw rateLimited();
  if (fault?.kind === 'lock_timeout') throw lockTimeout();
}

function claim(
  keys: IdempotencyKeys,
  key: string,
  request: ApiRequest,
  nowMs: number,
): StoredAnswer | undefined {
  if (key.length > idempotencyKeyLengthMax) {
    throw invalidRequest({
      message: `The idempotency key is longer than ${idempotencyKeyLengthMax} characters.`,
    });
  }
  const fingerprint = `${request.path} ${canonicalForm(request.parameters)}`;
  return keys.claim(key, fingerprint, nowMs);
}

interface Executed {
  readonly status: number;
  readonly body: string;
  /** False when the parameters were refused: such an answer is not stored under a key. */
  readonly isExecuted: boolean;
}

function execute(
  simulation: Simulation,
  { route, request, received, fault }: Answering & { readonly route: Route },
): Executed {
  const { expand: paths, ...raw } = request.parameters;
  const expansion = expandPaths(paths);
  const handle = route.prepare(raw);
  const cause: Cause = { requestId: received.requestId, idempotencyKey: received.idempotencyKey };
  try {
    if (fault?.kind === 'error_before') throw apiFailure(fault.status);
    const answer = runStep(simulation.ofAccount(received.stripeAccount).steps, cause, (tx) =>
      expand(tx, simulation.resources, handle(tx, request.id), expansion),
    );
    if (fault?.kind === 'error_after') throw apiFailure(fault.status);
    return { status: 200, body: JSON.stringify(answer), isExecuted: true };
  } catch (error) {
    if (!(error instanceof StripeError)) throw error;
    return { status: error.status, body: JSON.stringify({ error: error.body }), isExecuted: true };
  }
}

function expandPaths(paths: unknown): readonly string[] {
  if (paths === undefined) return [];
  if (!Array.isArray(paths)) throw invalidRequest({ param: 'expand', message: 'Invalid array' });
  return paths.map(String);
}

function replay(stored: StoredAnswer, key: string): ApiAnswer {
  return {
    ...toAnswer(stored.status, stored.body),
    headers: {
      'idempotency-key': key,
      'idempotent-replayed': 'true',
      'original-request': stored.originalRequestId,
    },
  };
}

function withPostHeaders(answer: ApiAnswer, request: ApiRequest, received: ReceivedRequest): ApiAnswer {
  if (request.method !== 'POST') return answer;
  const key = received.idempotencyKey;
  const headers = key === null ? {} : { 'idempotency-key': key, 'original-request': received.requestId };
  // A success or a refusal is final; what to do about a 5xx is left to the client.
  const advice: Record<string, string> = answer.status < 500 ? { 'stripe-should-retry': 'false' } : {};
  return { ...answer, headers: { ...answer.headers, ...headers, ...advice } };
}

function withLoss(answer: ApiAnswer, fault: Fault | undefined): ApiAnswer {
  return fault?.kind === 'lost_answer' ? { ...answer, isLost: true } : answer;
}

/** A refusal before execution. Anything but a StripeError is a defect of the simulator, and says so. */
function refusal(error: unknown): ApiAnswer {
  const known = error instanceof StripeError ? error : defect(error);
  return { ...toAnswer(known.status, JSON.stringify({ error: known.body })), headers: known.headers };
}

function defect(error: unknown): StripeError {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new StripeError(500, { type: 'api_error', message: `The simulator failed: ${text}` });
}

function toAnswer(status: number, body: string): ApiAnswer {
  return { status, body, headers: {}, isLost: false };
}

function logRequest(simulation: Simulation, request: ApiRequest, requestId: string): ReceivedRequest {
  return simulation.requests.add({
    requestId,
    receivedAtMs: simulation.account.clock.nowMs(),
    method: request.method,
    path: request.path,
    parameters: request.parameters,
    idempotencyKey: header(request, 'idempotency-key') ?? null,
    stripeVersion: header(request, 'stripe-version') ?? null,
    stripeAccount: header(request, 'stripe-account') ?? null,
    status: null,
    replayed: false,
    fault: null,
  });
}

function header(request: ApiRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
