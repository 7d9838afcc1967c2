import type { Delivery, Dispatch } from './delivery.ts';

/** Deliveries kept for reading back; older ones are forgotten. */
const deliveriesKeptMax = 20_000;

/** One attempt to deliver one event to one receiver. */
export interface DeliveryAttempt extends Delivery {
  /** Sent by hand, beside the automatic attempts. */
  readonly isManual: boolean;
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

  /** A delivery that a rule has dropped never arrives and is never tried again: the event stays undelivered. */
  addDropped({ shown, isManual }: Dispatch, startedAtMs: number): void {
    const nothing = { durationMs: 0, status: null, error: null };
    this.add({ ...shown, isManual, startedAtMs, ...nothing, outcome: 'dropped' });
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
