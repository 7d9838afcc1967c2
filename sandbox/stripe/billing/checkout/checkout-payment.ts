import type { Customer } from '../../resources/customers.ts';
import type { Transaction } from '../../state/transaction.ts';
import {
  attemptPayment,
  emitCharged,
  emitIntentOutcome,
  emitPaymentOutcome,
  type PaymentOutcome,
} from '../payments/payment-attempt.ts';
import { useUp } from '../payments/payment-method-attachment.ts';
import {
  type NewPaymentIntent,
  type PaymentIntent,
  paymentIntentTable,
  startPaymentIntent,
} from '../payments/payments.ts';
import { emitCustomer, keepCard, storeBuyer } from './checkout-buyer.ts';
import { concludeSession, type Purchase, paymentStatusOf, refusedCard } from './checkout-purchase.ts';
import { type CheckoutSession, changeSession, checkoutSessionTable } from './checkout-state.ts';

/** Completes a session in `payment` mode. */
export function completePayment(tx: Transaction, purchase: Purchase): CheckoutSession {
  const { buyer, card, stored } = purchase;
  const undo = tx.mark();
  const customer = customerOf(tx, purchase);
  if (!card || stored.session.amount_total === 0) {
    emitCustomer(tx, stored, { buyer, customer });
    const payment_status = 'no_payment_required';
    return concludeSession(tx, purchase, { customer: customer?.id ?? null, payment_status });
  }
  const { created, outcome } = attempt(tx, purchase, customer);
  if (outcome.kind === 'failed') {
    undo();
    refusePayment(tx, purchase);
  }
  const isKept = customer !== null && stored.plan.paymentIntent.setup_future_usage !== undefined;
  const kept = isKept ? keepCard(tx, card, customer.id) : null;
  if (!isKept) useUp(tx, card);
  emitCharged(tx, outcome);
  if (kept) tx.emit('payment_method.attached', kept);
  emitCustomer(tx, stored, { buyer, customer });
  const session = concludeSession(tx, purchase, {
    customer: customer?.id ?? null,
    payment_intent: outcome.intent.id,
    payment_status: paymentStatusOf(outcome),
  });
  emitIntentOutcome(tx, outcome);
  if (created) tx.emit('payment_intent.created', created);
  return session;
}

function customerOf(tx: Transaction, { buyer, stored }: Purchase): Customer | null {
  if (buyer.known) return buyer.known;
  const isNeeded =
    stored.session.customer_creation === 'always' ||
    stored.plan.paymentIntent.setup_future_usage !== undefined;
  return isNeeded ? storeBuyer(tx, buyer) : null;
}

interface Attempted {
  /** The intent as it was made for this attempt; null when there was one from an attempt before. */
  readonly created: PaymentIntent | null;
  readonly outcome: PaymentOutcome;
}

function attempt(tx: Transaction, purchase: Purchase, customer: Customer | null): Attempted {
  const { authentication, card, stored } = purchase;
  const { amount_total: amount, currency, payment_intent: known } = stored.session;
  const terms = { amount: amount ?? 0, customer: customer?.id ?? null };
  const before = known === null ? undefined : tx.get(paymentIntentTable, known);
  const created = before ? null : startPaymentIntent(tx, { ...terms, currency, ...dataOf(purchase) });
  const intent = before ? tx.put(paymentIntentTable, { ...before, ...terms }) : created;
  if (!intent || !card) throw new Error(`session ${stored.id} has nothing to pay with`);
  const outcome = attemptPayment(tx, {
    intent,
    authentication,
    offSession: false,
    paymentMethod: card.id,
  });
  return { created, outcome };
}

function dataOf({ stored }: Purchase): Partial<NewPaymentIntent> {
  const data = stored.plan.paymentIntent;
  return {
    description: data.description ?? null,
    metadata: data.metadata ?? {},
    receipt_email: data.receipt_email ?? null,
    setup_future_usage: data.setup_future_usage ?? null,
    statement_descriptor: data.statement_descriptor ?? null,
    statement_descriptor_suffix: data.statement_descriptor_suffix ?? null,
    transfer_group: data.transfer_group ?? null,
  };
}

/** What was to be paid has been undone; the session keeps its intent, for the next attempt. */
function refusePayment(tx: Transaction, purchase: Purchase): never {
  const { created, outcome } = attempt(tx, purchase, purchase.buyer.known ?? null);
  const open = tx.get(checkoutSessionTable, purchase.stored.id);
  if (outcome.kind !== 'failed' || !open) {
    throw new Error(`the payment of ${outcome.intent.id} went otherwise a second time`);
  }
  changeSession(tx, open, { payment_intent: outcome.intent.id });
  if (created) tx.emit('payment_intent.created', created);
  emitPaymentOutcome(tx, outcome);
  throw refusedCard(outcome.error, { payment_intent: outcome.intent });
}
