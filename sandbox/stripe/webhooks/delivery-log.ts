/** Deliveries kept for reading back; older ones are forgotten. */
const deliveriesKeptMax = 20_000;

/** One attempt to deliver one event to one endpoint. */
export interface DeliveryAttempt {
  readonly eventId: string;
  readonly eventType: string;
  readonly endpointId: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** The answer's status; null when there was none. */
  readonly status: number | null;
  readonly outcome: 'delivered' | 'failed' | 'dropped';
  /** Why there was no answer. */
  readonly error: string | null;
}

/** Attempts in the order in which they ended, up to the limit. */
export class DeliveryLog {
  private attempts: DeliveryAttempt[] = [];

  add(attempt: DeliveryAttempt): void {
    this.attempts.push(attempt);
    if (this.attempts.length > 2 * deliveriesKeptMax) this.attempts = this.attempts.slice(-deliveriesKeptMax);
  }

  all(): readonly DeliveryAttempt[] {
    return this.attempts.slice(-deliveriesKeptMax);
  }

  newest(count: number): readonly DeliveryAttempt[] {
    return this.attempts.slice(-count).reverse();
  }

  clear(): void {
    this.attempts = [];
  }
}
