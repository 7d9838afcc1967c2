import { type Client, isGrpcServiceError, NamespaceNotFoundError } from '@temporalio/client';

/** gRPC status codes of a server that is away, overloaded or late: CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const TRANSIENT_GRPC_CODES: ReadonlySet<number> = new Set([1, 4, 8, 14]);

/** Temporal did not answer in time, or not at all: try again later. */
export class TemporalUnavailable extends Error {
  override readonly name = 'TemporalUnavailable';
}

/**
 * Makes calls to Temporal that end at a deadline; without one the SDK would go on trying for half a minute. Its own retries
 * look at the deadline only after their pause, which grows to 6 s unless the connection is told otherwise.
 *
 * @throws TemporalUnavailable when Temporal is away or the time is over; other errors as they are
 */
export async function withinDeadline<Result>(
  client: Client,
  timeoutMs: number,
  call: () => Promise<Result>,
): Promise<Result> {
  try {
    return await client.connection.withDeadline(Date.now() + timeoutMs, call);
  } catch (error) {
    if (!isTemporalAway(error)) throw error;
    throw new TemporalUnavailable(`Temporal did not answer within ${timeoutMs} ms`, { cause: error });
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
