import { StripeError } from '../../api/errors.ts';
import type { Transaction } from '../../state/transaction.ts';
import { storedMethod } from '../payments/payment-results.ts';
import { confirmSetup, finishSetup, type SetupIntent, startSetupIntent } from '../payments/payment-setup.ts';
import { emitCustomer, storeBuyer } from './checkout-buyer.ts';
import { concludeSession, type Purchase, refusedCard } from './checkout-purchase.ts';
import type { CheckoutSession } from './checkout-state.ts';

/** Completes a session in `setup` mode. */
export function completeSetup(tx: Transaction, purchase: Purchase): CheckoutSession {
  const { buyer, stored } = purchase;
  const undo = tx.mark();
  const isCreated = !buyer.known && stored.session.customer_creation === 'always';
  const customer = buyer.known ?? (isCreated ? storeBuyer(tx, buyer) : null);
  const intent = unlessRefused(tx, { undo, purchase }, () => setUpCard(tx, purchase, customer?.id ?? null));
  emitCustomer(tx, stored, { buyer, customer });
  return concludeSession(tx, purchase, {
    customer: customer?.id ?? null,
    payment_status: 'no_payment_required',
    setup_intent: intent.id,
  });
}

/**
 * Sets the buyer's card up for later, with the events.
 * @throws StripeError 402 when the bank refuses it or the buyer does not pass its check
 */
export function setUpCard(tx: Transaction, purchase: Purchase, customer: string | null): SetupIntent {
  const { authentication, card, stored } = purchase;
  if (!card) throw new Error(`session ${stored.id} has no card to set up`);
  const { description, metadata } = stored.plan.setupIntent;
  const started = startSetupIntent(tx, {
    customer,
    description: description ?? null,
    metadata: metadata ?? {},
  });
  // As it is now: it may have become the customer's in this step.
  const method = storedMethod(tx, card.id);
  const asked = confirmSetup(tx, started, { method, returnUrl: undefined });
  const isAsked = asked.status === 'requires_action';
  const done = isAsked ? finishSetup(tx, asked, authentication === 'passes') : asked;
  if (done.status === 'succeeded') return done;
  throw refusedCard(done.last_setup_error, { setup_intent: done });
}

/**
 * Runs what sets the card up. When it is refused, everything since the mark is undone and the card is set up once
 * more without it: what remains is what remains at Stripe, the refused setup intent.
 */
export function unlessRefused<Result>(
  tx: Transaction,
  { undo, purchase }: { undo: () => void; purchase: Purchase },
  run: () => Result,
): Result {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof StripeError && error.keepsChanges)) throw error;
    undo();
    setUpCard(tx, purchase, purchase.buyer.known?.id ?? null);
    throw error;
  }
}
