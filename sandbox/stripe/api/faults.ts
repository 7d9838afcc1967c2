import { z } from 'zod';
import { invalidRequest } from './errors.ts';

/** Faults that may wait at a time. */
const faultsMax = 1_000;
/** Longest slow answer. */
const delayMaxMs = 120_000;

/** What to do to the next matching requests. */
export const faultSchema = z.strictObject({
  /** Any method when not given. */
  method: z.enum(['GET', 'POST', 'DELETE']).optional(),
  /** A path in which `*` stands for anything, such as `/v1/subscriptions/*`; any path when not given. */
  path: z.string().startsWith('/').optional(),
  /**
   * `rate_limit`, `lock_timeout`: 429, nothing done. `bad_gateway`: an HTML page with 502, nothing done, nothing
   * remembered. `error_before`: 5xx, nothing done. `error_after`: 5xx, but executed. `slow`: executed after `delayMs`.
   * `lost_answer`: executed, then the connection is destroyed. `cut_body`: executed, then it is destroyed in the middle
   * of the answer. `header`: nothing but `shouldRetry`.
   */
  kind: z.enum([
    'rate_limit',
    'lock_timeout',
    'bad_gateway',
    'error_before',
    'error_after',
    'slow',
    'lost_answer',
    'cut_body',
    'header',
  ]),
  /** How many requests it strikes. */
  times: z.number().int().min(1).max(100_000).default(1),
  /** How many matching requests it lets pass before. */
  after: z.number().int().min(0).default(0),
  /** For `slow`. */
  delayMs: z.number().int().min(0).max(delayMaxMs).default(1_000),
  /** Of the 5xx; 502 for `bad_gateway`, 500 for the others when not given. */
  status: z.number().int().min(500).max(599).optional(),
  /** The `Stripe-Should-Retry` header of the answer, whatever it would have been. */
  shouldRetry: z.boolean().optional(),
});

export type FaultInput = z.input<typeof faultSchema>;
export type Fault = z.output<typeof faultSchema>;

/** The faults that wait for their requests. */
export class Faults {
  private waiting: { fault: Fault; pattern: RegExp; passes: number; strikes: number }[] = [];

  /** @throws StripeError when too many are waiting */
  inject(fault: Fault): void {
    if (this.waiting.length >= faultsMax)
      throw invalidRequest({ message: `more than ${faultsMax} faults are waiting` });
    const pattern = new RegExp(`^${(fault.path ?? '*').split('*').map(escapeText).join('.*')}$`);
    this.waiting.push({ fault, pattern, passes: fault.after, strikes: fault.times });
  }

  /** The fault that strikes this request, used up by it. */
  take(method: string, path: string): Fault | undefined {
    for (const entry of this.waiting) {
      if (entry.fault.method && entry.fault.method !== method) continue;
      if (!entry.pattern.test(path)) continue;
      if (entry.passes > 0) {
        entry.passes--;
        continue;
      }
      entry.strikes--;
      if (entry.strikes === 0) this.waiting = this.waiting.filter((one) => one !== entry);
      return entry.fault;
    }
    return undefined;
  }

  clear(): void {
    this.waiting = [];
  }
}

function escapeText(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
