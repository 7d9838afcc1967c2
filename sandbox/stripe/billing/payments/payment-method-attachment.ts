import { cardRefused, invalidRequest, noSuchInParameter } from '../../api/errors.ts';
import type { Transaction } from '../../state/transaction.ts';
import { declineOf } from './payment-decline-codes.ts';
import { cardErrorOf } from './payment-declines.ts';
import { createPaymentMethod } from './payment-method-creation.ts';
import { historyOf, type PaymentMethod, paymentMethodTable, storeHistory } from './payment-method-state.ts';
import { testCardOfToken, testCards } from './payment-test-cards.ts';

/**
 * A payment method that is named by a parameter: a stored one, or a fresh one for each use of a test token such as
 * `pm_card_visa`.
 * @throws StripeError 400 when there is none
 */
export function paymentMethodNamed(tx: Transaction, id: string, param: string): PaymentMethod {
  const stored = tx.get(paymentMethodTable, id);
  if (stored) return stored;
  const testCard = id.startsWith('pm_') ? testCardOfToken(id) : undefined;
  if (!testCard) throw noSuchInParameter('PaymentMethod', id, param);
  return createPaymentMethod(tx, { testCard });
}

/**
 * Gives a payment method to a customer, with its event; nothing happens when it is theirs already.
 * @throws StripeError 402 when the bank refuses the card, 400 when it is another's or was once somebody's
 */
export function attachPaymentMethod(tx: Transaction, method: PaymentMethod, customer: string): PaymentMethod {
  if (method.customer === customer) return method;
  if (method.customer !== null) {
    const message = 'The payment method you provided has already been attached to a customer.';
    throw invalidRequest({ message });
  }
  refuseWhenUsedUp(tx, method);
  refuseWhenBankDeclines(tx, method);
  return givePaymentMethod(tx, method, customer);
}

/** Makes a payment method that belongs to nobody a customer's, with its event; the bank is not asked. */
export function givePaymentMethod(tx: Transaction, method: PaymentMethod, customer: string): PaymentMethod {
  storeHistory(tx, { ...historyOf(tx, method.id), isUsedUp: true });
  const attached = tx.put(paymentMethodTable, { ...checked(method), customer });
  tx.emit('payment_method.attached', attached);
  return attached;
}

/**
 * Checks that a payment method can pay for a customer, or for nobody in particular when the customer is null.
 * @param use.object what it is used with: `PaymentIntent` or `SetupIntent`
 * @throws StripeError 400 when it is another's or was used up
 */
export function requireUsable(
  tx: Transaction,
  method: PaymentMethod,
  use: { customer: string | null; object: 'PaymentIntent' | 'SetupIntent' },
): void {
  refuseWhenUsedUp(tx, method);
  if (method.customer === null || method.customer === use.customer) return;
  const message =
    use.customer === null
      ? `The payment method supplied (${method.id}) belongs to the Customer ${method.customer}. Please include the Customer in the \`customer\` parameter on the ${use.object}.`
      : `The PaymentMethod ${method.id} does not belong to the Customer you supplied ${use.customer}. Please use this PaymentMethod with the Customer that it belongs to instead.`;
  throw invalidRequest({ param: 'payment_method', message });
}

/**
 * Checks that a payment method that is to become a default belongs to the customer.
 * @throws StripeError 400 otherwise, also when there is none
 */
export function requireAttached(
  tx: Transaction,
  wanted: { id: string; customer: string; param: string },
): PaymentMethod {
  const method = tx.get(paymentMethodTable, wanted.id);
  if (method && method.customer === wanted.customer) return method;
  throw invalidRequest({
    code: 'resource_missing',
    param: wanted.param,
    message: `The customer does not have a payment method with the ID ${wanted.id}. The payment method must be attached to the customer.`,
  });
}

/** A payment method that nobody keeps can be used once. */
export function useUp(tx: Transaction, method: PaymentMethod): void {
  if (method.customer === null) storeHistory(tx, { ...historyOf(tx, method.id), isUsedUp: true });
}

/** Once the bank has seen a card its security code is checked. */
export function checked(method: PaymentMethod): PaymentMethod {
  if (method.type !== 'card' || method.card.checks.cvc_check !== 'unchecked') return method;
  return { ...method, card: { ...method.card, checks: { ...method.card.checks, cvc_check: 'pass' } } };
}

function refuseWhenUsedUp(tx: Transaction, method: PaymentMethod): void {
  if (method.customer !== null || !historyOf(tx, method.id).isUsedUp) return;
  throw invalidRequest({
    message:
      'This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and may not be used again.',
  });
}

function refuseWhenBankDeclines(tx: Transaction, method: PaymentMethod): void {
  const behaviour = testCards[historyOf(tx, method.id).testCard]?.behaviour;
  const { declineCode, declinesFrom = 'attaching' } = behaviour ?? {};
  if (declineCode === undefined || declinesFrom !== 'attaching') return;
  const decline = declineOf(declineCode);
  const {
    type: _,
    payment_method: __,
    ...body
  } = cardErrorOf({ decline, charge: null, paymentMethod: method });
  throw cardRefused(body, { keepsChanges: false });
}
