import { invalidRequest } from '../../api/errors.ts';
import { customerTable, updateCustomer } from '../../resources/customers.ts';
import type { Transaction } from '../../state/transaction.ts';
import { type PaymentMethod, paymentMethodTable } from './payment-method-state.ts';

/**
 * Takes a payment method from its customer for good, also as their default; with the events.
 * @throws StripeError 400 when it has none
 */
export function detachPaymentMethod(tx: Transaction, method: PaymentMethod): PaymentMethod {
  if (method.customer === null) {
    const message =
      'The payment method you provided is not attached to a customer so detachment is impossible.';
    throw invalidRequest({ message });
  }
  const detached = tx.put(paymentMethodTable, { ...method, customer: null });
  tx.emit('payment_method.detached', detached, { customer: method.customer });
  const customer = tx.get(customerTable, method.customer);
  if (customer?.invoice_settings.default_payment_method === method.id) {
    const invoice_settings = { ...customer.invoice_settings, default_payment_method: null };
    updateCustomer(tx, customer, { invoice_settings });
  }
  return detached;
}
