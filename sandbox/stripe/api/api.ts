import type { Route } from '../resource.ts';
import type { AccountParts, Simulation } from '../simulation.ts';
import { apiVersion } from '../state/events.ts';
import {
  type ApiAnswer,
  gatewayAnswer,
  jsonAnswer,
  refusalAnswer,
  replayAnswer,
  struckAnswer,
} from './answers.ts';
import { apiKeyOf } from './authentication.ts';
import { lockTimeout, rateLimited, StripeError } from './errors.ts';
import { type Executed, execute } from './execution.ts';
import type { Fault } from './faults.ts';
import type { FormParameters } from './form.ts';
import { checkKey, fingerprintOf, isKept } from './idempotency.ts';
import { headerOf, type RequestHeaders } from './request-headers.ts';
import type { ReceivedRequest } from './request-log.ts';
import { checkVersion } from './versions.ts';

const gatewayStatusDefault = 502;

/** A request as it came, its body or query decoded. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly headers: RequestHeaders;
  readonly parameters: FormParameters;
}

/**
 * Answers one API request: authentication, limits, scripted faults, idempotency, the endpoint, expansion. Without a
 * route it is the 404 for an unknown URL.
 */
export async function answerApi(
  simulation: Simulation,
  route: Route | StripeError,
  request: ApiRequest,
): Promise<ApiAnswer> {
  const received = logRequest(simulation, request);
  const fault = simulation.faults.take(request.method, request.path);
  received.fault = fault?.kind ?? null;
  const answer = struckAnswer(await settle(simulation, { route, request, received, fault }), fault);
  received.status = answer.fate === 'whole' ? answer.status : null;
  simulation.observer?.onAnswer({
    method: request.method,
    path: route instanceof StripeError ? null : route.path,
    parameters: request.parameters,
    status: answer.status,
    body: answer.body,
    fault: received.fault,
  });
  if (fault?.kind === 'bad_gateway') return answer;
  return {
    ...answer,
    headers: {
      'request-id': received.requestId,
      'stripe-version': received.stripeVersion ?? apiVersion,
      date: new Date(simulation.account.clock.nowMs()).toUTCString(),
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
  const { received, request, route, fault } = answering;
  if (fault?.kind === 'bad_gateway') return gatewayAnswer(fault.status ?? gatewayStatusDefault);
  try {
    apiKeyOf(headerOf(request.headers, 'authorization'));
    checkVersion(received.stripeVersion);
    const parts = simulation.ofAccount(received.stripeAccount);
    const { account } = parts.steps;
    simulation.limiter.take({ account, path: request.path, nowMs: account.clock.realMs() });
    if (fault?.kind === 'rate_limit') throw rateLimited('global-rate');
    if (fault?.kind === 'lock_timeout') throw lockTimeout();
    if (route instanceof StripeError) throw route;
    return await answerOnce(simulation, parts, { ...answering, route });
  } catch (error) {
    return refusalAnswer(error);
  }
}

/** A key makes the v1 API answer a POST once, and the v2 API a POST or a DELETE. */
async function answerOnce(
  simulation: Simulation,
  { steps, idempotency }: AccountParts,
  answering: Answering & { readonly route: Route },
): Promise<ApiAnswer> {
  const { request, received, route, fault } = answering;
  const isV2 = request.path.startsWith('/v2/');
  const run = async (): Promise<Executed> => {
    if (fault?.kind === 'slow') await pause(fault.delayMs);
    const cause = { requestId: received.requestId, idempotencyKey: received.idempotencyKey };
    const { id, parameters } = request;
    return execute(simulation, { route, id, isV2, parameters, steps, cause, fault });
  };
  const isKeyed = request.method === 'POST' || (isV2 && request.method === 'DELETE');
  const key = isKeyed ? received.idempotencyKey : null;
  if (key === null) return answerOf(await run(), request, received);
  checkKey(key);
  const stored = idempotency.claim(key, fingerprintOf(request), steps.account.clock.nowMs());
  if (stored) {
    received.replayed = true;
    return replayAnswer(stored, key);
  }
  let executed: Executed | undefined;
  try {
    executed = await run();
    return answerOf(executed, request, received);
  } finally {
    if (executed && isKept(executed.status, isV2))
      idempotency.store(key, { ...executed, originalRequestId: received.requestId });
    else idempotency.forget(key);
  }
}

function answerOf({ status, body }: Executed, request: ApiRequest, received: ReceivedRequest): ApiAnswer {
  if (request.method !== 'POST') return jsonAnswer(status, body);
  const key = received.idempotencyKey;
  // A success or a refusal is final; what to do about a conflict or a 5xx is left to the client.
  const isFinal = status < 500 && status !== 409 && status !== 429;
  return jsonAnswer(status, body, {
    ...(key === null ? {} : { 'idempotency-key': key, 'original-request': received.requestId }),
    ...(isFinal ? { 'stripe-should-retry': 'false' } : {}),
  });
}

function logRequest(
  simulation: Simulation,
  { method, path, parameters, headers }: ApiRequest,
): ReceivedRequest {
  return simulation.requests.add({
    requestId: simulation.account.ids.next('req'),
    receivedAtMs: simulation.account.clock.nowMs(),
    method,
    path,
    parameters,
    idempotencyKey: headerOf(headers, 'idempotency-key') ?? null,
    stripeVersion: headerOf(headers, 'stripe-version') ?? null,
    // What a thin event's `context` comes back as.
    stripeAccount: headerOf(headers, 'stripe-account') ?? headerOf(headers, 'stripe-context') ?? null,
    trigger: headerOf(headers, 'stripe-request-trigger') ?? null,
    status: null,
    replayed: false,
    fault: null,
  });
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
