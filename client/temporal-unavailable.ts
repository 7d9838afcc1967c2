import { type Client, isGrpcServiceError, NamespaceNotFoundError } from '@temporalio/client';
import pTimeout from 'p-timeout';

/** gRPC status codes of a server that is away, overloaded or late: CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const TRANSIENT_GRPC_CODES: ReadonlySet<number> = new Set([1, 4, 8, 14]);

/** Temporal did not answer in time, or not at all: try again later. */
export class TemporalUnavailable extends Error {
  override readonly name = 'TemporalUnavailable';
}

/**
 * Makes calls to Temporal that end at a deadline; without one the SDK would go on trying for half a minute. The SDK looks
 * at the deadline only between two pauses of up to 6 s, so the time is taken here as well. A call that is given up
 * may have been carried out.
 *
 * @throws TemporalUnavailable when Temporal is away or the time is over; other errors as they are
 */
export async function withinDeadline<Result>(
  client: Client,
  timeoutMs: number,
  call: () => Promise<Result>,
): Promise<Result> {
  const away = `Temporal did not answer within ${timeoutMs} ms`;
  const answer = client.connection.withDeadline(Date.now() + timeoutMs, call);
  try {
    return await pTimeout(answer, { milliseconds: timeoutMs, message: new TemporalUnavailable(away) });
  } catch (error) {
    if (!isTemporalAway(error)) throw error;
    throw new TemporalUnavailable(away, { cause: error });
  }
}

/**
 * The same for what a worker answers. Temporal answered when the connection was made, so it is rather a worker that is
 * missing.
 *
 * @throws TemporalUnavailable when Temporal is away, or no worker answers in time: what was asked for may be done all the same
 */
export async function answeredWithin<Result>(
  client: Client,
  timeoutMs: number,
  call: () => Promise<Result>,
): Promise<Result> {
  try {
    return await withinDeadline(client, timeoutMs, call);
  } catch (error) {
    if (!(error instanceof TemporalUnavailable)) throw error;
    throw new TemporalUnavailable(`No answer within ${timeoutMs / 1000} s: is a worker running?`, {
      cause: error,
    });
  }
}

/** Does an error say that Temporal is away, or late? The SDK wraps gRPC's error once. */
export function isTemporalAway(error: unknown): boolean {
  if (error instanceof NamespaceNotFoundError) return true;
  const cause = error instanceof Error && !isGrpcServiceError(error) ? error.cause : error;
  return isGrpcServiceError(cause) && TRANSIENT_GRPC_CODES.has(cause.code);
}
