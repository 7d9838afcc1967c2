import { invalidRequest } from '../api/errors.ts';
import type { Transaction } from '../state/transaction.ts';
import { lastPeriodEnd, type Subscription } from './subscription-state.ts';

type Cancellation = Partial<
  Pick<Subscription, 'cancel_at' | 'cancel_at_period_end' | 'canceled_at' | 'cancellation_details'>
>;

/**
 * What a request to end later changes; taking it back clears the same fields.
 * @throws StripeError 400
 */
export function cancellationOf(
  tx: Transaction,
  row: Subscription,
  parameters: { cancel_at?: string | number | undefined; cancel_at_period_end?: boolean | undefined },
): Cancellation {
  const { cancel_at: at, cancel_at_period_end: atPeriodEnd } = parameters;
  if (at === undefined && atPeriodEnd === undefined) return {};
  if (at !== undefined && at !== '' && atPeriodEnd) {
    throw invalidRequest({
      param: 'cancel_at_period_end',
      message: 'You can only specify one of these: cancel_at, cancel_at_period_end.',
    });
  }
  const reason = (asked: boolean): CancellationReason => (asked ? 'cancellation_requested' : null);
  const changed = (cancelAt: number | null, isAtPeriodEnd: boolean): Cancellation => ({
    cancel_at: cancelAt,
    cancel_at_period_end: isAtPeriodEnd,
    canceled_at: cancelAt === null ? null : (row.canceled_at ?? tx.now),
    cancellation_details: { ...row.cancellation_details, reason: reason(cancelAt !== null) },
  });
  if (atPeriodEnd) return changed(lastPeriodEnd(row.items), true);
  if (typeof at === 'number') {
    if (at <= tx.now)
      throw invalidRequest({
        param: 'cancel_at',
        message: 'The `cancel_at` timestamp must be in the future.',
      });
    return changed(at, false);
  }
  if (at === 'max_period_end') return changed(lastPeriodEnd(row.items), false);
  if (at === 'min_period_end')
    return changed(Math.min(...row.items.map((item) => item.current_period_end)), false);
  return changed(null, false);
}

type CancellationReason = Subscription['cancellation_details']['reason'];
