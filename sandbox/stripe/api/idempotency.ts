import { idempotencyKeyInUse, idempotencyMismatch } from './errors.ts';

/** How long Stripe remembers a key at least. */
const keptMs = 24 * 60 * 60 * 1_000;
/** Keys kept; the oldest is forgotten first. */
const keysKeptMax = 50_000;

/** A finished answer, as it is sent again. */
export interface StoredAnswer {
  readonly status: number;
  readonly body: string;
  readonly originalRequestId: string;
}

interface Entry {
  readonly fingerprint: string;
  readonly startedAtMs: number;
  answer: StoredAnswer | undefined;
}

/** The keys of one account: what was first asked under each, and the answer once there is one. */
export class IdempotencyKeys {
  private readonly entries = new Map<string, Entry>();

  /**
   * Claims a key for a request.
   * @returns the stored answer when this request was answered before, else undefined: execute it, then call
   * `store` or `forget`.
   * @throws StripeError 400 for other parameters, 409 while the first request is still running
   */
  claim(key: string, fingerprint: string, nowMs: number): StoredAnswer | undefined {
    const known = this.entries.get(key);
    if (known && nowMs - known.startedAtMs < keptMs) {
      if (known.fingerprint !== fingerprint) throw idempotencyMismatch(key);
      if (!known.answer) throw idempotencyKeyInUse(key);
      return known.answer;
    }
    this.entries.delete(key);
    this.entries.set(key, { fingerprint, startedAtMs: nowMs, answer: undefined });
    this.forgetOldest();
    return undefined;
  }

  /** Keeps the answer of an executed request, failures included. */
  store(key: string, answer: StoredAnswer): void {
    const entry = this.entries.get(key);
    if (entry) entry.answer = answer;
  }

  /** Gives the key free again: the request was refused before it was executed. */
  forget(key: string): void {
    this.entries.delete(key);
  }

  clear(): void {
    this.entries.clear();
  }

  private forgetOldest(): void {
    if (this.entries.size <= keysKeptMax) return;
    const [oldest] = this.entries.keys();
    if (oldest !== undefined) this.entries.delete(oldest);
  }
}
