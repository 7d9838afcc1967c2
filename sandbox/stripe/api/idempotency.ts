import { idempotencyKeyInUse, idempotencyMismatch, invalidRequest } from './errors.ts';
import { canonicalForm } from './form.ts';

/** Stripe's limit for a key. */
const keyLengthMax = 255;
/** How long Stripe remembers a key at least. */
const keptMs = 24 * 60 * 60 * 1_000;
/** Answered keys kept, and the length of their answers in all; the oldest is forgotten first. */
const keysKeptMax = 50_000;
const answersLengthMax = 64 * 1_024 * 1_024;

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

/** @throws StripeError 400 for a key that is too long */
export function checkKey(key: string): void {
  if (key.length <= keyLengthMax) return;
  throw invalidRequest({ message: `The idempotency key is longer than ${keyLengthMax} characters.` });
}

/** What a key stands for: the same request always has the same text. */
export function fingerprintOf(request: { method: string; path: string; parameters: unknown }): string {
  return `${request.method} ${request.path} ${canonicalForm(request.parameters)}`;
}

/**
 * Whether an answer is stored under its key. The v1 API stores whatever came of an execution, a declined card and a
 * 500 as well, but no conflict; the v2 API stores successes only, so that a retry executes again.
 */
export function isKept(status: number, isV2: boolean): boolean {
  return isV2 ? status < 400 : status !== 409 && status !== 429;
}

/** The keys of one account: what was first asked under each, and the answer once there is one. */
export class IdempotencyKeys {
  private readonly entries = new Map<string, Entry>();
  private answersLength = 0;

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
    this.forget(key);
    this.entries.set(key, { fingerprint, startedAtMs: nowMs, answer: undefined });
    return undefined;
  }

  /** Keeps the answer of an executed request, failures included. */
  store(key: string, answer: StoredAnswer): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    entry.answer = answer;
    this.answersLength += answer.body.length;
    this.forgetOldest();
  }

  /** Gives the key free again: the request was refused before it was executed. */
  forget(key: string): void {
    this.answersLength -= this.entries.get(key)?.answer?.body.length ?? 0;
    this.entries.delete(key);
  }

  /** A key whose request is still running stays: two of them would execute at once. */
  private forgetOldest(): void {
    for (const [key, { answer }] of this.entries) {
      if (this.entries.size <= keysKeptMax && this.answersLength <= answersLengthMax) return;
      if (answer) this.forget(key);
    }
  }
}
