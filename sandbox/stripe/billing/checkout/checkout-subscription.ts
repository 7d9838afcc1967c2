import type { Customer } from '../../resources/customers.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import { createItem } from '../invoices/invoice-item-changes.ts';
import { attemptPayment, emitPaymentOutcome } from '../payments/payment-attempt.ts';
import type { PaymentMethod } from '../payments/payment-method-state.ts';
import { startPaymentIntent } from '../payments/payments.ts';
import {
  billFirst,
  emitCharge,
  emitStarted,
  type StartedSubscription,
  settleCurrency,
} from '../subscriptions/subscription-first-invoice.ts';
import { type NewSubscription, startSubscription } from '../subscriptions/subscription-start.ts';
import type { Subscription } from '../subscriptions/subscription-state.ts';
import { emitCustomer, keepCard, storeBuyer } from './checkout-buyer.ts';
import { linePrice } from './checkout-lines.ts';
import { concludeSession, type Purchase, paymentStatusOf, refusedCard } from './checkout-purchase.ts';
import { setUpCard, unlessRefused } from './checkout-setup.ts';
import type { CheckoutSession } from './checkout-state.ts';

/** Completes a session in `subscription` mode. Nothing of it is there when the card is refused. */
export function completeSubscription(tx: Transaction, purchase: Purchase): CheckoutSession {
  const undo = tx.mark();
  const begun = begin(tx, purchase);
  const { customer, kept, started } = begun;
  const { card } = purchase;
  const outcome = started.bill?.outcome ?? null;
  if (outcome?.kind === 'failed') {
    undo();
    refusePayment(tx, purchase, outcome.intent.amount);
  }
  if (card && outcome === null) {
    unlessRefused(tx, { undo, purchase }, () => setUpCard(tx, purchase, customer.id));
  }
  emitCharge(tx, started);
  if (kept) tx.emit('payment_method.attached', kept);
  emitCustomer(tx, purchase.stored, { buyer: purchase.buyer, customer });
  settleCurrency(tx, started);
  const session = concludeSession(tx, purchase, {
    ...amountsOf(purchase, started),
    customer: customer.id,
    invoice: started.bill?.open.id ?? null,
    payment_status: started.bill ? paymentStatusOf(outcome) : 'no_payment_required',
    subscription: started.subscription.id,
  });
  emitStarted(tx, started);
  return session;
}

interface Begun {
  readonly customer: Customer;
  /** A card that has become the customer's; its event is still to be written. */
  readonly kept: PaymentMethod | null;
  readonly started: StartedSubscription;
}

function begin(tx: Transaction, purchase: Purchase): Begun {
  const { authentication, buyer, card, stored } = purchase;
  const customer = buyer.known ?? storeBuyer(tx, buyer);
  const kept = card && keepCard(tx, card, customer.id);
  const subscription = startSubscription(tx, newSubscription(tx, purchase, customer));
  billOnce(tx, purchase, subscription);
  const started = billFirst(tx, {
    subscription,
    attempt: card && { authentication, offSession: false, paymentMethod: card.id },
    isProrated: stored.plan.subscription.proration_behavior !== 'none',
  });
  return { customer, kept, started };
}

/** A moment that has passed while the session was open is none any more. */
function newSubscription(tx: Transaction, purchase: Purchase, customer: Customer): NewSubscription {
  const { session, lines, plan } = purchase.stored;
  const {
    billing_cycle_anchor: anchor,
    proration_behavior: _,
    trial_end: trialEnd,
    ...data
  } = plan.subscription;
  const now = timeOf(tx, customer.test_clock);
  return {
    ...data,
    automatic_tax: { enabled: session.automatic_tax.enabled },
    billing_cycle_anchor: anchor !== undefined && anchor > now ? anchor : undefined,
    customer: customer.id,
    default_payment_method: purchase.card?.id,
    items: lines
      .filter((line) => linePrice(tx, line).recurring)
      .map(({ price, quantity }) => ({ price, quantity: quantity ?? undefined })),
    trial_end: trialEnd !== undefined && trialEnd > now ? trialEnd : undefined,
  };
}

/** What is paid once stands on the first invoice. */
function billOnce(tx: Transaction, { stored }: Purchase, subscription: Subscription): void {
  for (const line of stored.lines) {
    if (linePrice(tx, line).recurring) continue;
    createItem(tx, {
      customer: subscription.customer,
      pricing: { price: line.price },
      quantity: line.quantity ?? 1,
      subscription: subscription.id,
    });
  }
}

/** A first period that is shorter than the others costs less than the basket says. */
function amountsOf(
  { stored }: Purchase,
  { bill }: StartedSubscription,
): Partial<Pick<CheckoutSession, 'amount_subtotal' | 'amount_total'>> {
  if (stored.plan.subscription.billing_cycle_anchor === undefined) return {};
  return { amount_subtotal: bill?.open.subtotal ?? 0, amount_total: bill?.open.total ?? 0 };
}

/** The subscription that was to be paid has been undone: what remains is the failed payment. */
function refusePayment(tx: Transaction, purchase: Purchase, amount: number): never {
  const { authentication, buyer, card, stored } = purchase;
  const { currency } = stored.session;
  const intent = startPaymentIntent(tx, { amount, currency, customer: buyer.known?.id ?? null });
  const outcome = attemptPayment(tx, {
    intent,
    authentication,
    offSession: false,
    paymentMethod: card?.id ?? '',
  });
  emitPaymentOutcome(tx, outcome);
  if (outcome.kind !== 'failed') throw new Error(`the payment of ${intent.id} went otherwise a second time`);
  throw refusedCard(outcome.error, { payment_intent: outcome.intent });
}
