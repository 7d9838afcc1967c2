import { invalidRequest } from '../../api/errors.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { firstPeriodEnd, lastPeriodEnd, type Subscription } from './subscription-state.ts';

type Cancellation = Partial<
  Pick<Subscription, 'cancel_at' | 'cancel_at_period_end' | 'canceled_at' | 'cancellation_details'>
>;

/**
 * What a request to end later changes; taking it back clears the same fields.
 * @param row with the periods that the request leaves it with
 * @throws StripeError 400
 */
export function cancellationOf(
  tx: Transaction,
  row: Subscription,
  parameters: { cancel_at?: string | number | undefined; cancel_at_period_end?: boolean | undefined },
): Cancellation {
  const { cancel_at: at, cancel_at_period_end: atPeriodEnd } = parameters;
  if (at !== undefined && at !== '' && atPeriodEnd) {
    throw invalidRequest({
      param: 'cancel_at_period_end',
      message: 'You can only specify one of these: cancel_at, cancel_at_period_end.',
    });
  }
  const now = timeOf(tx, row.test_clock);
  if (atPeriodEnd) return endingAt(row, { at: lastPeriodEnd(row.items), isAtPeriodEnd: true, now });
  if (at === '' || (atPeriodEnd === false && at === undefined && row.cancel_at_period_end))
    return staying(row);
  if (at === undefined) return {};
  const moment = momentOf(row, at);
  if (moment <= now) {
    const message = 'The `cancel_at` timestamp must be in the future.';
    throw invalidRequest({ param: 'cancel_at', message });
  }
  return endingAt(row, { at: moment, isAtPeriodEnd: false, now });
}

/** The end that moves along with the period; one that was set as a moment stays. */
export function movedCancellation(row: Subscription): Cancellation {
  return row.cancel_at_period_end ? { cancel_at: lastPeriodEnd(row.items) } : {};
}

function momentOf(row: Subscription, at: string | number): number {
  if (typeof at === 'number') return at;
  return at === 'min_period_end' ? firstPeriodEnd(row.items) : lastPeriodEnd(row.items);
}

function endingAt(row: Subscription, end: { at: number; isAtPeriodEnd: boolean; now: number }): Cancellation {
  const isSame = row.cancel_at === end.at && row.cancel_at_period_end === end.isAtPeriodEnd;
  return {
    cancel_at: end.at,
    cancel_at_period_end: end.isAtPeriodEnd,
    canceled_at: isSame ? row.canceled_at : end.now,
    cancellation_details: { ...row.cancellation_details, reason: 'cancellation_requested' },
  };
}

function staying(row: Subscription): Cancellation {
  return {
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: { ...row.cancellation_details, reason: null },
  };
}
