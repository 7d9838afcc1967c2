import type { Transaction } from '../state/transaction.ts';
import type { Charge } from './charge-state.ts';
import { attemptPayment } from './payment-attempt.ts';
import { createPaymentMethod } from './payment-method-creation.ts';
import { testCardOfToken } from './payment-test-cards.ts';
import type { PaymentIntent } from './payments.ts';

/** Pays an intent with a new card that always works; nothing is emitted. */
export function chargeIntent(
  tx: Transaction,
  intent: PaymentIntent,
): { intent: PaymentIntent; charge: Charge } {
  const testCard = testCardOfToken('pm_card_visa');
  if (!testCard) throw new Error('no test card');
  const { id } = createPaymentMethod(tx, { testCard });
  const outcome = attemptPayment(tx, { intent, paymentMethod: id, offSession: true });
  if (outcome.kind !== 'succeeded') throw new Error(`the payment of ${intent.id} did not succeed`);
  return outcome;
}
