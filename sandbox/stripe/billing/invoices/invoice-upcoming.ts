import { type Customer, customerTable } from '../../resources/customers.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { itemsAround } from '../subscriptions/subscription-item-periods.ts';
import {
  firstPeriodEnd,
  type Subscription,
  type SubscriptionItem,
} from '../subscriptions/subscription-state.ts';
import { plainDraft } from './invoice-drafting.ts';
import { type InvoiceItem, pendingItems } from './invoice-item-state.ts';
import type { InvoiceLine } from './invoice-line-state.ts';
import { itemLine, periodLine } from './invoice-lines.ts';
import { type Invoice, renderInvoice } from './invoice-state.ts';

const currencyDefault = 'usd';

/** An invoice that is not there yet. */
export interface Expected {
  readonly customer: Customer;
  /** As it will be; null for an invoice without one. */
  readonly subscription: Subscription | null;
  /** What comes along. */
  readonly pending: readonly InvoiceItem[];
  /** With the periods that will be billed. */
  readonly periods: readonly SubscriptionItem[];
  /** When it will be drawn up, in unix seconds. */
  readonly at: number;
}

/** What `invoice.upcoming` is about: the next renewal's invoice, which has no id yet. */
export function upcomingInvoice(tx: Transaction, subscription: Subscription): object {
  const shown: Record<string, unknown> = { ...renderInvoice(renewalInvoice(tx, subscription)) };
  delete shown.id;
  return shown;
}

/** The next renewal's invoice, not stored. A subscription that ends before has none but what is pending. */
export function renewalInvoice(tx: Transaction, subscription: Subscription): Invoice {
  const customer = tx.get(customerTable, subscription.customer);
  if (!customer) throw new Error(`customer ${subscription.customer} is gone`);
  const at = firstPeriodEnd(subscription.items);
  return expectedInvoice(tx, {
    customer,
    subscription: subscription.status === 'trialing' ? { ...subscription, status: 'active' } : subscription,
    pending: [
      ...pendingItems(tx, { customer: customer.id, subscription: subscription.id }),
      ...pendingItems(tx, { customer: customer.id, subscription: null }),
    ],
    periods: continuesAfter(subscription, at) ? periodsFrom(tx, subscription, at) : [],
    at,
  });
}

/** An invoice of given parts, not stored. */
export function expectedInvoice(tx: Transaction, expected: Expected): Invoice {
  const { at, customer, subscription } = expected;
  const currency =
    subscription?.currency ?? expected.pending[0]?.currency ?? customer.currency ?? currencyDefault;
  const lines: InvoiceLine[] = [];
  for (const item of expected.pending) {
    // What is pending in another currency waits for an invoice of its own.
    if (item.currency !== currency) continue;
    lines.push(itemLine(tx, { invoice: null, item, lines }));
  }
  const ofPeriods = subscription
    ? expected.periods.map((item) => periodLine(tx, { invoice: null, subscription, item }))
    : [];
  const method = subscription?.collection_method ?? 'charge_automatically';
  const now = timeOf(tx, customer.test_clock);
  const draft = plainDraft(tx, customer, {
    id: `upcoming_in_1${tx.account.ids.characters(23)}`,
    lines: [...lines, ...ofPeriods],
    auto_advance: true,
    automatically_finalizes_at: null,
    billing_reason: 'upcoming',
    collection_method: method,
    currency,
    daysUntilDue: null,
    parent: subscription && {
      quote_details: null,
      subscription_details: { metadata: subscription.metadata, subscription: subscription.id },
      type: 'subscription_details',
    },
    period_end: at,
    period_start: Math.min(now, at, ...(subscription?.items ?? []).map((item) => item.current_period_start)),
  });
  const next = method === 'charge_automatically' ? at + tx.account.billing.draftSeconds : null;
  return { ...draft, created: at, next_payment_attempt: next };
}

function continuesAfter({ cancel_at: end }: Subscription, at: number): boolean {
  return end === null || end > at;
}

/** The items that are billed at a moment, with the periods that start then. */
function periodsFrom(tx: Transaction, subscription: Subscription, at: number): readonly SubscriptionItem[] {
  const due = new Set(
    subscription.items.filter((item) => item.current_period_end === at).map(({ id }) => id),
  );
  return itemsAround(tx, subscription, at).filter(({ id }) => due.has(id));
}
