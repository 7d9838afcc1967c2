import Stripe from 'stripe';

/** Long enough for Stripe's slow answers, short enough that an activity's own limit is never what ends it. */
const REQUEST_TIMEOUT_MS = 15_000;

/**
 * Retries are Temporal's: they are visible there, survive the process, and keep our idempotency key. The SDK's own
 * would hide trouble and hold the activity's slot. (One it keeps all the same: when the connection is closed it sends
 * the request once more, under the same idempotency key.)
 */
const NETWORK_RETRIES = 0;

/** A request that was made; without a status when no answer came. */
export type StripeRequest = { method: string; status: number | undefined };

/**
 * The one place where a connection to Stripe is made. `apiBase` is for the simulator; unset, it is Stripe itself.
 *
 * @param options.onRequest is told of every request, once it has ended
 */
export function createStripe(options: {
  secretKey: string;
  apiBase?: string | undefined;
  onRequest?: (request: StripeRequest) => void;
  /** For who has less time than an activity. */
  timeoutMs?: number;
}): Stripe {
  const base = options.apiBase === undefined ? undefined : new URL(options.apiBase);
  return new Stripe(options.secretKey, {
    timeout: options.timeoutMs ?? REQUEST_TIMEOUT_MS,
    maxNetworkRetries: NETWORK_RETRIES,
    telemetry: false,
    httpClient: told(objectsOnly(Stripe.createNodeHttpClient()), options.onRequest),
    ...(base && {
      host: base.hostname,
      port: base.port || (base.protocol === 'https:' ? '443' : '80'),
      protocol: base.protocol === 'https:' ? ('https' as const) : ('http' as const),
    }),
  });
}

/**
 * The SDK takes any JSON for an answer and breaks, outside the reach of its caller, on one that is no object. Such an
 * answer is a proxy's, not Stripe's: here it counts as not readable, which the SDK handles.
 */
function objectsOnly(client: Stripe.HttpClient): Stripe.HttpClient {
  const send = client.makeRequest.bind(client);
  client.makeRequest = async (...request) => {
    const response = await send(...request);
    const readJson = response.toJSON.bind(response);
    response.toJSON = async () => {
      const json: unknown = await readJson();
      if (typeof json !== 'object' || json === null) throw new TypeError('the answer is no JSON object');
      return json;
    };
    return response;
  };
  return client;
}

function told(
  client: Stripe.HttpClient,
  onRequest: (request: StripeRequest) => void = () => undefined,
): Stripe.HttpClient {
  const send = client.makeRequest.bind(client);
  client.makeRequest = async (...request) => {
    const [, , , method] = request;
    let status: number | undefined;
    try {
      const response = await send(...request);
      status = response.getStatusCode();
      return response;
    } finally {
      onRequest({ method, status });
    }
  };
  return client;
}

export type { Stripe };
