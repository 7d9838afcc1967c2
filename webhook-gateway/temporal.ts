import {
  Client,
  Connection,
  type ConnectionOptions,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import { CHECK_TIMEOUT_MS } from './routes/health.ts';

/** gRPC's default lets a lost connection rest for up to two minutes. */
const RECONNECT_PAUSE_MAX_MS = 2_000;
/**
 * The SDK looks at a call's deadline only after the pause between two tries, which by default grows to 6 s: so much later a
 * checkout would be answered. Even, short pauses make more tries, and these must last until the deadline, which tells a
 * Temporal that is away from a request that it refuses.
 */
const RETRY_PAUSE_MS = 500;
const TRIES_MAX = 20;
export const retryOptions = defaultGrpcRetryOptions({
  maxAttempts: TRIES_MAX,
  initialIntervalMs: () => RETRY_PAUSE_MS,
  factor: 1,
});

export type TemporalConnection = { connection: Connection; client: Client };

/**
 * A connection that is made when it is first used.
 *
 * @param options.triesAgain whether calls are tried again until their deadline
 */
export function connectTemporal(options: {
  connectionOptions: ConnectionOptions;
  namespace?: string;
  triesAgain: boolean;
}): TemporalConnection {
  const { connectionOptions, namespace, triesAgain } = options;
  const connection = Connection.lazy({
    ...connectionOptions,
    interceptors: triesAgain ? [makeGrpcRetryInterceptor(retryOptions)] : [],
    channelArgs: {
      ...connectionOptions.channelArgs,
      'grpc.max_reconnect_backoff_ms': RECONNECT_PAUSE_MAX_MS,
      // Channels with equal arguments share one connection otherwise.
      'grpc.use_local_subchannel_pool': 1,
    },
  });
  const client = new Client({ connection, ...(namespace !== undefined && { namespace }) });
  return { connection, client };
}

/** Asks for the namespace. Over a connection that doesn't try again, it tells how things are now. */
export function ping({ connection, client }: TemporalConnection): Promise<unknown> {
  const { namespace } = client.options;
  return connection.withDeadline(Date.now() + CHECK_TIMEOUT_MS, () =>
    connection.workflowService.describeNamespace({ namespace }),
  );
}
