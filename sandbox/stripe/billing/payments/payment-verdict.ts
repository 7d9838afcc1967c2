import type { Transaction } from '../../state/transaction.ts';
import { type Decline, declineOf } from './payment-decline-codes.ts';
import { takePaymentFate } from './payment-fates.ts';
import type { PaymentMethodHistory } from './payment-method-state.ts';
import { type CardBehaviour, testCards } from './payment-test-cards.ts';

/** What the bank says to a payment. */
export type Verdict =
  | { readonly kind: 'succeed' | 'authenticate' | 'process' }
  | { readonly kind: 'decline'; readonly decline: Decline };

/** The bank's answer to a payment: what the control API has decided for the customer, else what the card does. */
export function verdictOf(
  tx: Transaction,
  payment: { customer: string | null; offSession: boolean; history: PaymentMethodHistory },
): Verdict {
  const fate = takePaymentFate(tx, payment.customer);
  if (fate?.kind === 'decline') return { kind: 'decline', decline: declineOf(fate.decline_code, fate.code) };
  if (fate) return { kind: fate.kind === 'require_authentication' ? 'authenticate' : fate.kind };
  const behaviour = behaviourOf(payment.history);
  if (behaviour.isDelayed) return { kind: 'process' };
  if (wantsAuthentication(behaviour, payment)) return { kind: 'authenticate' };
  return ownVerdict(payment.history);
}

/** The bank's answer once the customer has authenticated. */
export function verdictAfterAuthentication(
  tx: Transaction,
  payment: { customer: string | null; history: PaymentMethodHistory },
): Verdict {
  const fate = takePaymentFate(tx, payment.customer);
  if (fate?.kind === 'decline') return { kind: 'decline', decline: declineOf(fate.decline_code, fate.code) };
  return fate ? { kind: 'succeed' } : ownVerdict(payment.history);
}

/** Whether a card wants its customer to authenticate. */
export function wantsAuthentication(
  { authentication }: CardBehaviour,
  payment: { offSession: boolean; history: PaymentMethodHistory },
): boolean {
  if (authentication === undefined) return false;
  if (authentication === 'always' || !payment.offSession) return true;
  return authentication === 'unless_set_up' && !payment.history.isSetUp;
}

/** How a payment method behaves. */
export function behaviourOf(history: PaymentMethodHistory): CardBehaviour {
  return testCards[history.testCard]?.behaviour ?? {};
}

function ownVerdict(history: PaymentMethodHistory): Verdict {
  const { declineCode, declinesFrom } = behaviourOf(history);
  const isYetToDecline = declinesFrom === 'second_payment' && history.paymentsSucceeded === 0;
  if (declineCode === undefined || isYetToDecline) return { kind: 'succeed' };
  return { kind: 'decline', decline: declineOf(declineCode) };
}
