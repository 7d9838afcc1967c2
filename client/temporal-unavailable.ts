import { type Client, isGrpcServiceError, NamespaceNotFoundError } from '@temporalio/client';

/** gRPC status codes of a server that is away, overloaded or late: CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const TRANSIENT_GRPC_CODES: ReadonlySet<number> = new Set([1, 4, 8, 14]);

/** Temporal did not answer in time, or not at all: try again later. */
export class TemporalUnavailable extends Error {
  override readonly name = 'TemporalUnavailable';
}

/**
 * Makes calls to Temporal that end at a deadline; without one the SDK would go on trying for half a minute.
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
    if (!isAway(error)) throw error;
    throw new TemporalUnavailable(`Temporal did not answer within ${timeoutMs} ms`, { cause: error });
  }
}

/** The SDK wraps gRPC's error once. */
function isAway(error: unknown): boolean {
  if (error instanceof NamespaceNotFoundError) return true;
  const cause = error instanceof Error && !isGrpcServiceError(error) ? error.cause : error;
  return isGrpcServiceError(cause) && TRANSIENT_GRPC_CODES.has(cause.code);
}
