/** Requests kept for reading back; older ones are forgotten. */
const requestsKeptMax = 20_000;

/** One request to the API as it was received, and what became of it. */
export interface ReceivedRequest {
  readonly requestId: string;
  readonly receivedAtMs: number;
  readonly method: string;
  readonly path: string;
  readonly parameters: unknown;
  readonly idempotencyKey: string | null;
  readonly stripeVersion: string | null;
  /** `Stripe-Account`, or `Stripe-Context`. */
  readonly stripeAccount: string | null;
  /** `Stripe-Request-Trigger`: `event=evt_…` where a thin event made the client ask. */
  readonly trigger: string | null;
  /** Null while it runs, and for an answer that was lost on purpose. */
  status: number | null;
  /** A stored answer was sent again. */
  replayed: boolean;
  /** The kind of the fault that struck it. */
  fault: string | null;
}

/** Every request received, oldest first, up to the limit. */
export class RequestLog {
  private requests: ReceivedRequest[] = [];

  add(request: ReceivedRequest): ReceivedRequest {
    this.requests.push(request);
    // Cut in halves, so that a full log does not move its array on every request.
    if (this.requests.length > 2 * requestsKeptMax) this.requests = this.requests.slice(-requestsKeptMax);
    return request;
  }

  /** Oldest first. */
  all(): readonly ReceivedRequest[] {
    return this.requests.slice(-requestsKeptMax);
  }

  /** Newest first. */
  newest(count: number): readonly ReceivedRequest[] {
    return this.requests.slice(-count).reverse();
  }

  clear(): void {
    this.requests = [];
  }
}
