import { invalidRequest, noSuchInParameter, parameterMissing } from '../../api/errors.ts';
import { mergeMetadata, sent } from '../../api/parameters.ts';
import { type Customer, customerInParameter } from '../../resources/customers.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { type Subscription, subscriptionTable } from '../subscriptions/subscription-state.ts';
import { announceDraft } from './invoice-announcement.ts';
import { linesOfItems, storeDraft } from './invoice-drafting.ts';
import { pendingItems } from './invoice-item-state.ts';
import type { CreateInvoice } from './invoice-parameters.ts';
import { type Invoice, invoiceTable } from './invoice-state.ts';

const daySeconds = 86_400;
const dueDaysDefault = 30;
const currencyDefault = 'usd';
/** How far ahead a draft's finalization can be set. */
const finalizesWithinSeconds = 5 * 365 * daySeconds;

/** Makes a draft by hand, with its event. @throws StripeError 400 */
export function createInvoice(tx: Transaction, parameters: CreateInvoice): Invoice {
  if (parameters.customer === undefined) throw parameterMissing('customer');
  const customer = customerInParameter(tx, parameters.customer, 'customer');
  const subscription = subscriptionOf(tx, parameters.subscription, customer);
  const now = timeOf(tx, customer.test_clock);
  const method = parameters.collection_method ?? 'charge_automatically';
  const autoAdvance = parameters.auto_advance ?? false;
  const currency =
    parameters.currency?.toLowerCase() ?? subscription?.currency ?? customer.currency ?? currencyDefault;
  const id = tx.newId('in');
  const pending =
    parameters.pending_invoice_items_behavior === 'include'
      ? pendingItems(tx, { customer: customer.id, subscription: subscription?.id ?? null })
      : [];
  const { default_payment_method, description, footer, statement_descriptor } = parameters;
  const draft = storeDraft(tx, customer, {
    id,
    ...sent({ default_payment_method, description, footer, statement_descriptor }),
    ...dueDateOf({ method, now, parameters }),
    lines: linesOfItems(
      tx,
      id,
      pending.filter((item) => item.currency === currency),
    ),
    auto_advance: autoAdvance,
    automatically_finalizes_at: finalizesAt(tx, {
      autoAdvance,
      now,
      at: parameters.automatically_finalizes_at,
    }),
    billing_reason: 'manual',
    collection_method: method,
    currency,
    metadata: mergeMetadata({}, parameters.metadata),
    parent: subscription
      ? {
          quote_details: null,
          subscription_details: { metadata: subscription.metadata, subscription: subscription.id },
          type: 'subscription_details',
        }
      : null,
    period_end: now,
    period_start: now,
  });
  const { effective_at = null, number = null } = parameters;
  return announceDraft(tx, tx.put(invoiceTable, { ...draft, effective_at, number }));
}

/**
 * When a draft is finalized by itself, in unix seconds; null when it is not.
 * @throws StripeError 400 for a time without automatic collection, or one that is over or too far away
 */
export function finalizesAt(
  tx: Transaction,
  wanted: { autoAdvance: boolean; now: number; at: number | undefined },
): number | null {
  const { autoAdvance, at, now } = wanted;
  if (at === undefined) return autoAdvance ? now + tx.account.billing.draftSeconds : null;
  const param = 'automatically_finalizes_at';
  if (!autoAdvance) {
    throw invalidRequest({
      param,
      message: '`automatically_finalizes_at` requires `auto_advance` to be true.',
    });
  }
  if (at <= now || at > now + finalizesWithinSeconds) {
    const message = '`automatically_finalizes_at` must be in the future, and within 5 years.';
    throw invalidRequest({ param, message });
  }
  return at;
}

/**
 * When an invoice that is sent is due; nothing for one that is charged.
 * @throws StripeError 400 for a due date of an invoice that is charged, or two of them
 */
export function dueDateOf(wanted: {
  method: Invoice['collection_method'];
  now: number;
  parameters: { days_until_due?: number | undefined; due_date?: number | undefined };
}): { readonly daysUntilDue: number | null; readonly due_date: number | null } {
  const { days_until_due: days, due_date: date } = wanted.parameters;
  const given = days === undefined ? 'due_date' : 'days_until_due';
  if (wanted.method === 'charge_automatically') {
    if (days === undefined && date === undefined) return { daysUntilDue: null, due_date: null };
    const message = `\`${given}\` can only be set if \`collection_method\` is \`send_invoice\`.`;
    throw invalidRequest({ param: given, message });
  }
  if (date === undefined) {
    const daysUntilDue = days ?? dueDaysDefault;
    return { daysUntilDue, due_date: wanted.now + daysUntilDue * daySeconds };
  }
  if (days !== undefined) {
    const message = 'You may only specify one of these parameters: due_date, days_until_due.';
    throw invalidRequest({ param: 'due_date', message });
  }
  if (date <= wanted.now) {
    throw invalidRequest({ param: 'due_date', message: 'The due date must be in the future.' });
  }
  return { daysUntilDue: null, due_date: date };
}

function subscriptionOf(
  tx: Transaction,
  id: string | undefined,
  customer: Customer,
): Subscription | undefined {
  if (id === undefined) return undefined;
  const subscription = tx.get(subscriptionTable, id);
  if (subscription?.customer === customer.id) return subscription;
  throw noSuchInParameter('subscription', id, 'subscription');
}
