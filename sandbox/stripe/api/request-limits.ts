import { z } from 'zod';
import type { Account } from '../state/account.ts';
import { rateLimited } from './errors.ts';

const perSecond = z.number().int().min(1).max(1_000_000);

export const requestLimitsSchema = z.strictObject({
  /** Requests of any kind that an account may make in a second; null: as many as it likes. Stripe allows a sandbox 25. */
  perSecond: perSecond.nullable(),
  /** Searches among them; Stripe allows 20. */
  searchPerSecond: perSecond.optional(),
});

/** How many requests an account may make. */
export type RequestLimits = Readonly<z.output<typeof requestLimitsSchema>>;

/** Tokens that come back evenly over time; a second's worth may be used at once. */
interface Bucket {
  tokens: number;
  filledAtMs: number;
}

interface Buckets {
  readonly all: Bucket;
  readonly search: Bucket;
}

/** Stripe's rate limiter: a token for each request, for each account on its own. */
export class RequestLimiter {
  private readonly initial: RequestLimits;
  private limits: RequestLimits;
  private buckets = new WeakMap<Account, Buckets>();

  constructor(limits: RequestLimits) {
    this.initial = limits;
    this.limits = limits;
  }

  configure(limits: RequestLimits): void {
    this.limits = limits;
    this.buckets = new WeakMap();
  }

  /** Back to the limits of the start. */
  reset(): void {
    this.configure(this.initial);
  }

  /**
   * Takes the token of one request.
   * @param request.nowMs real time: a clock that tests move brings no tokens
   * @throws StripeError 429 when there is none
   */
  take(request: { account: Account; path: string; nowMs: number }): void {
    const { perSecond: all, searchPerSecond: search = null } = this.limits;
    if (all === null && search === null) return;
    const buckets = this.bucketsOf(request.account, request.nowMs);
    const isSearch = request.path.endsWith('/search');
    if (isSearch && !takeToken(buckets.search, search, request.nowMs)) throw rateLimited('endpoint-rate');
    if (!takeToken(buckets.all, all, request.nowMs)) throw rateLimited('global-rate');
  }

  private bucketsOf(account: Account, nowMs: number): Buckets {
    const known = this.buckets.get(account);
    if (known) return known;
    const { perSecond: all, searchPerSecond: search } = this.limits;
    const made = {
      all: { tokens: all ?? 0, filledAtMs: nowMs },
      search: { tokens: search ?? 0, filledAtMs: nowMs },
    };
    this.buckets.set(account, made);
    return made;
  }
}

function takeToken(bucket: Bucket, limit: number | null, nowMs: number): boolean {
  if (limit === null) return true;
  const gained = (Math.max(0, nowMs - bucket.filledAtMs) / 1_000) * limit;
  bucket.tokens = Math.min(limit, bucket.tokens + gained);
  bucket.filledAtMs = nowMs;
  if (bucket.tokens < 1) return false;
  bucket.tokens--;
  return true;
}
