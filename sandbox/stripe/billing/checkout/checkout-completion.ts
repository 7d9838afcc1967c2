import { invalidRequest } from '../../api/errors.ts';
import type { Transaction } from '../../state/transaction.ts';
import { type BuyerInput, buyerOf, buyersCard } from './checkout-buyer.ts';
import { adjustedLines, amountNow } from './checkout-lines.ts';
import { completePayment } from './checkout-payment.ts';
import type { Purchase } from './checkout-purchase.ts';
import { completeSetup } from './checkout-setup.ts';
import { type CheckoutSession, checkoutSessionTable, type StoredSession } from './checkout-state.ts';
import { completeSubscription } from './checkout-subscription.ts';

/** What a buyer does on the page. */
export interface Completion extends BuyerInput {
  readonly id: string;
  /**
   * A test token such as `pm_card_visa`; one of a bank account is settled later. Null: none, where none is needed.
   * When not given, a card that works, if one is needed.
   */
  readonly card?: string | null | undefined;
  /** Whether the buyer passes the bank's check, where it wants one; when not given, yes. */
  readonly authenticates?: boolean | undefined;
  /** By line id, where the shop leaves them to the buyer. */
  readonly quantities?: Readonly<Record<string, number>> | undefined;
}

/**
 * A buyer completes an open session.
 * @throws StripeError 402 when the card is refused, which is remembered and leaves the session open; 400 for what
 * the session does not allow
 * @throws StripeError when there is none with this id, or when it is closed
 */
export function completeSession(tx: Transaction, completion: Completion): CheckoutSession {
  const open = openSession(tx, completion.id);
  const lines = adjustedLines(open.lines, completion.quantities ?? {});
  const total = open.session.mode === 'setup' ? null : amountNow(tx, lines);
  const stored: StoredSession = {
    ...open,
    lines,
    session: { ...open.session, amount_subtotal: total, amount_total: total },
  };
  const buyer = buyerOf(tx, stored, completion);
  const card = cardOf(stored, completion.card);
  const purchase: Purchase = {
    stored,
    buyer,
    card: card === null ? null : buyersCard(tx, card, buyer),
    authentication: (completion.authenticates ?? true) ? 'passes' : 'fails',
  };
  switch (stored.session.mode) {
    case 'payment':
      return completePayment(tx, purchase);
    case 'setup':
      return completeSetup(tx, purchase);
    case 'subscription':
      return completeSubscription(tx, purchase);
    default:
      return stored.session.mode satisfies never;
  }
}

/** @throws StripeError where a card is needed and none is given */
function cardOf({ session }: StoredSession, card: string | null | undefined): string | null {
  const isNeeded = session.amount_total !== 0 || session.payment_method_collection === 'always';
  if (card === undefined) return isNeeded ? 'pm_card_visa' : null;
  if (card === null && isNeeded)
    throw invalidRequest({ message: `session ${session.id} can't be completed without a card` });
  return card;
}

function openSession(tx: Transaction, id: string): StoredSession {
  const stored = tx.get(checkoutSessionTable, id);
  if (!stored) throw invalidRequest({ message: `no checkout session ${id}` }, 404);
  if (stored.session.status !== 'open')
    throw invalidRequest({ message: `session ${id} is ${stored.session.status}` });
  return stored;
}
