import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  stripeCustomerIdSchema,
  stripeInvoiceIdSchema,
  stripeSubscriptionIdSchema,
} from '../../domain/ids.ts';
import {
  INVOICE_STATUSES,
  type Invoice,
  type InvoicePayment,
  oldestUnpaid,
  unpaidSince,
} from '../../domain/invoice.ts';
import { isLive, SUBSCRIPTION_STATUSES, type SubscriptionStatus } from '../../domain/subscription.ts';
import { seeded } from '../convergence/history.ts';

const NOW = new Date('2026-05-20T12:00:00Z');
const hours = (count: number) => new Date(NOW.getTime() + count * 3_600_000);
const CREATED = hours(-72);
const FINALIZED = hours(-71);
const FAILED_FIRST = hours(-70);
const FAILED: InvoicePayment = {
  state: 'failed',
  declineCode: 'insufficient_funds',
  firstFailedAt: FAILED_FIRST,
};

const invoice = (overrides: Partial<Invoice> = {}): Invoice => ({
  id: stripeInvoiceIdSchema.parse('in_1'),
  customerId: stripeCustomerIdSchema.parse('cus_1'),
  subscriptionId: stripeSubscriptionIdSchema.parse('sub_1'),
  number: null,
  status: 'open',
  billingReason: 'subscription_cycle',
  collectionMethod: 'charge_automatically',
  currency: 'usd',
  amountDueMinor: 2_900,
  amountPaidMinor: 0,
  amountRemainingMinor: 2_900,
  attemptCount: 1,
  nextPaymentAttempt: null,
  dueDate: null,
  hostedInvoiceUrl: null,
  createdAt: CREATED,
  finalizedAt: FINALIZED,
  ...overrides,
});

function since(
  overrides: Partial<Invoice> = {},
  more: {
    payment?: InvoicePayment | null;
    status?: SubscriptionStatus;
    known?: Date;
    wasProcessing?: boolean;
  } = {},
): Date | null {
  return unpaidSince({
    invoice: invoice(overrides),
    payment: more.payment === undefined ? FAILED : more.payment,
    subscriptionStatus: more.status ?? 'past_due',
    known: more.known ?? null,
    wasProcessing: more.wasProcessing ?? false,
    now: NOW,
  });
}

test('an invoice that is sent is not unpaid while its payment is on its way, and is since now when that failed', () => {
  const sent = { collectionMethod: 'send_invoice', dueDate: hours(-1) } as const;
  expect(since(sent, { payment: { ...FAILED, state: 'processing' } })).toBeNull();
  expect(since(sent, { wasProcessing: true })).toEqual(NOW);
  expect(since(sent)).toEqual(hours(-1));
});

describe('an invoice that is charged is unpaid', () => {
  test('since its first failed attempt', () => {
    expect(since()).toEqual(FAILED_FIRST);
  });

  test('since it was finalized, or else made, when no charge tells', () => {
    const payment = { ...FAILED, firstFailedAt: null };
    expect(since({}, { payment })).toEqual(FINALIZED);
    expect(since({}, { payment: null })).toEqual(FINALIZED);
    expect(since({ finalizedAt: null }, { payment: null })).toEqual(CREATED);
  });

  test('not before it was tried, nor while the first payment is on its way', () => {
    expect(since({ attemptCount: 0 }, { payment: null })).toBeNull();
    expect(since({}, { payment: { ...FAILED, state: 'processing' } })).toBeNull();
  });

  test('since now, when a payment that was on its way has failed', () => {
    expect(since({}, { wasProcessing: true })).toEqual(NOW);
  });
});

describe('an invoice that is sent is unpaid', () => {
  const sent = { collectionMethod: 'send_invoice', attemptCount: 0 } as const;

  test('since its due date, once that has passed', () => {
    const due = { ...sent, dueDate: hours(-1) };
    expect(since(due, { payment: null, status: 'active' })).toEqual(hours(-1));
    expect(since({ ...sent, dueDate: NOW }, { payment: null, status: 'active' })).toEqual(NOW);
    expect(since({ ...sent, dueDate: hours(1) }, { payment: null, status: 'active' })).toBeNull();
  });

  test.each(['past_due', 'unpaid'] as const)(
    'when Stripe calls the subscription %s, though by our clock the day is to come; since now at the latest',
    (status) => {
      expect(since({ ...sent, dueDate: hours(5) }, { payment: null, status })).toEqual(NOW);
    },
  );

  test('never without a due date', () => {
    expect(since({ ...sent, dueDate: null }, { payment: null })).toBeNull();
  });
});

test('since when it is unpaid stays as it was first answered, for as long as it is unpaid', () => {
  expect(since({}, { known: hours(-99) })).toEqual(hours(-99));
  expect(since({}, { known: hours(-99), payment: { ...FAILED, state: 'processing' } })).toEqual(hours(-99));
  expect(since({ status: 'paid' }, { known: hours(-99) })).toBeNull();
});

test('a failure that Stripe’s clock has in the future counts from now', () => {
  expect(since({}, { payment: { ...FAILED, firstFailedAt: hours(100) } })).toEqual(NOW);
});

test.each(INVOICE_STATUSES)('of the statuses only open is owed: %s', (status) => {
  expect(since({ status }) !== null).toBe(status === 'open');
});

test('what costs nothing any more is not owed', () => {
  expect(since({ amountRemainingMinor: 0 })).toBeNull();
});

test.each(SUBSCRIPTION_STATUSES)('only a live subscription owes: %s', (status) => {
  expect(since({}, { status }) !== null).toBe(isLive(status));
});

describe('the oldest', () => {
  const unpaid = (id: string, unpaidHours: number, createdHours = 0) => ({
    id,
    unpaidSince: hours(unpaidHours),
    createdAt: hours(createdHours),
  });

  test('is the one that has been unpaid for longest, whenever it was made', () => {
    expect(oldestUnpaid([unpaid('in_a', -1, -9), unpaid('in_b', -2, -3)])?.id).toBe('in_b');
  });

  test('between two of one time it is the one that was made first, then the id decides', () => {
    expect(oldestUnpaid([unpaid('in_a', -1, -3), unpaid('in_b', -1, -9)])?.id).toBe('in_b');
    expect(oldestUnpaid([unpaid('in_b', -1), unpaid('in_a', -1)])?.id).toBe('in_a');
  });

  test('of none is none', () => {
    expect(oldestUnpaid([])).toBeUndefined();
  });

  test('does not depend on the order in which they come', () => {
    const few = fc.uniqueArray(
      fc.record({
        id: fc.constantFrom('in_a', 'in_b', 'in_c', 'in_d'),
        unpaidSince: fc.constantFrom(hours(-1), hours(-2)),
        createdAt: fc.constantFrom(hours(-3), hours(-4)),
      }),
      { selector: ({ id }) => id, minLength: 1 },
    );
    fc.assert(
      fc.property(few, fc.nat(), (invoices, turn) => {
        const at = turn % invoices.length;
        const turned = [...invoices.slice(at), ...invoices.slice(0, at)];
        expect(oldestUnpaid(turned)).toBe(oldestUnpaid(invoices));
        expect(oldestUnpaid(turned.toReversed())).toBe(oldestUnpaid(invoices));
      }),
      seeded(200),
    );
  });
});
