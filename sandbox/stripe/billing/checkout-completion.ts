import { type Customer, customerTable, storeCustomer } from '../resources/customers.ts';
import type { Transaction } from '../state/transaction.ts';
import { chargeIntent } from './charge-intent.ts';
import {
  type CheckoutSession,
  changeSession,
  checkoutSessionTable,
  type StoredSession,
} from './checkout-state.ts';
import { payInvoice, workingMethod } from './invoice-payment.ts';
import { voidInvoice } from './invoice-settlement.ts';
import { invoiceTable } from './invoice-state.ts';
import { paymentIntentTable, startPaymentIntent } from './payments.ts';
import { billFirst, emitCharge, emitStarted, settleCurrency } from './subscription-first-invoice.ts';
import { startSubscription } from './subscription-start.ts';

/** What a buyer does on the page. */
export interface Completion {
  readonly id: string;
  /** `card` pays at once; `delayed` is a bank debit that is settled later, by `settleDelayedPayment`. */
  readonly payment: 'card' | 'delayed';
  /** Typed by the buyer; when not given, what the session or its customer has. */
  readonly email?: string | undefined;
  readonly name?: string | undefined;
}

/**
 * A buyer completes an open session.
 * @throws Error when there is none with this id, or when it is closed
 */
export function completeSession(tx: Transaction, completion: Completion): CheckoutSession {
  const stored = openSession(tx, completion.id);
  const known = stored.session.customer === null ? undefined : tx.get(customerTable, stored.session.customer);
  const email = completion.email ?? stored.session.customer_email ?? known?.email ?? null;
  const name = completion.name ?? known?.name ?? null;
  const needsCustomer =
    stored.session.mode === 'subscription' || stored.session.customer_creation === 'always';
  const created = known || !needsCustomer ? undefined : storeCustomer(tx, { email, name });
  const completed: Completed = {
    created,
    customer: (known ?? created)?.id ?? null,
    isPaidNow: completion.payment === 'card',
    done: {
      customer_details: {
        address: null,
        business_name: null,
        email,
        individual_name: name,
        name,
        phone: null,
        tax_exempt: 'none',
        tax_ids: [],
      },
      status: 'complete',
      url: null,
    },
  };
  return stored.session.mode === 'subscription'
    ? completeSubscription(tx, stored, completed)
    : completePayment(tx, stored, completed);
}

/**
 * The bank answers about a delayed payment.
 * @throws Error when the session does not wait for one
 */
export function settleDelayedPayment(tx: Transaction, id: string, isPaid: boolean): CheckoutSession {
  const stored = existing(tx, id);
  const { status, payment_status, invoice, payment_intent } = stored.session;
  if (status !== 'complete' || payment_status !== 'unpaid') {
    throw new Error(`session ${id} does not wait for a delayed payment: ${status}, ${payment_status}`);
  }
  const bill = invoice === null ? undefined : tx.get(invoiceTable, invoice);
  const intent = payment_intent === null ? undefined : tx.get(paymentIntentTable, payment_intent);
  if (!isPaid) {
    // The subscription stays active: ending it is for who sold it to decide.
    if (bill) voidInvoice(tx, bill);
    tx.emit('checkout.session.async_payment_failed', stored.session);
    return stored.session;
  }
  if (bill) payInvoice(tx, bill);
  if (intent) {
    const paid = chargeIntent(tx, intent);
    tx.emit('charge.succeeded', paid.charge);
    tx.emit('payment_intent.succeeded', paid.intent);
  }
  const { session } = changeSession(tx, stored, { payment_status: 'paid' });
  tx.emit('checkout.session.async_payment_succeeded', session);
  return session;
}

interface Completed {
  /** Made for this purchase; its event is still to be written. */
  readonly created: Customer | undefined;
  readonly customer: string | null;
  readonly isPaidNow: boolean;
  readonly done: Partial<CheckoutSession>;
}

function completeSubscription(tx: Transaction, stored: StoredSession, completed: Completed): CheckoutSession {
  const { subscriptionData } = stored;
  const subscription = startSubscription(tx, {
    customer: completed.customer ?? '',
    items: stored.lines.map(({ price, quantity }) => ({ price, quantity })),
    metadata: subscriptionData.metadata,
    description: subscriptionData.description,
    trial_period_days: subscriptionData.trialPeriodDays,
  });
  const paymentMethod = workingMethod(tx, subscription.customer, completed.isPaidNow ? 'now' : 'processing');
  const started = billFirst(tx, { subscription, attempt: { offSession: false, paymentMethod } });
  emitCharge(tx, started);
  if (completed.created) tx.emit('customer.created', completed.created);
  settleCurrency(tx, started);
  const { session } = changeSession(tx, stored, {
    ...completed.done,
    customer: completed.customer,
    invoice: started.subscription.latest_invoice,
    // An invoice of nothing, as in a trial, counts as paid.
    payment_status: started.bill?.invoice.status === 'paid' ? 'paid' : 'unpaid',
    subscription: subscription.id,
  });
  tx.emit('checkout.session.completed', session);
  emitStarted(tx, started);
  return session;
}

function completePayment(tx: Transaction, stored: StoredSession, completed: Completed): CheckoutSession {
  const { amount_total: amount, currency } = stored.session;
  const { customer, isPaidNow } = completed;
  if (completed.created) tx.emit('customer.created', completed.created);
  if (amount === 0) {
    const free = changeSession(tx, stored, {
      ...completed.done,
      customer,
      payment_status: 'no_payment_required',
    });
    tx.emit('checkout.session.completed', free.session);
    return free.session;
  }
  const metadata = stored.paymentIntentMetadata;
  const status = isPaidNow ? 'requires_payment_method' : 'processing';
  const intent = startPaymentIntent(tx, { amount, currency, customer, status, metadata });
  const paid = isPaidNow ? chargeIntent(tx, intent) : undefined;
  if (paid) tx.emit('charge.succeeded', paid.charge);
  const { session } = changeSession(tx, stored, {
    ...completed.done,
    customer,
    payment_intent: intent.id,
    payment_status: isPaidNow ? 'paid' : 'unpaid',
  });
  tx.emit('checkout.session.completed', session);
  if (paid) tx.emit('payment_intent.succeeded', paid.intent);
  tx.emit('payment_intent.created', intent);
  return session;
}

function openSession(tx: Transaction, id: string): StoredSession {
  const stored = existing(tx, id);
  if (stored.session.status !== 'open') throw new Error(`session ${id} is ${stored.session.status}`);
  return stored;
}

function existing(tx: Transaction, id: string): StoredSession {
  const stored = tx.get(checkoutSessionTable, id);
  if (!stored) throw new Error(`no checkout session ${id}`);
  return stored;
}
