import type { Transaction } from '../state/transaction.ts';
import { type Bill, billSubscription as billAtOnce } from './invoice-billing.ts';
import { collectInvoice } from './invoice-collection.ts';
import type { Invoice } from './invoice-state.ts';
import { createPaymentMethod } from './payment-method-creation.ts';
import { paymentMethodTable } from './payment-method-state.ts';
import { testCardOfToken } from './payment-test-cards.ts';
import type { Subscription } from './subscription-state.ts';

// What pays here is a card that always works, for callers that do not choose one yet.

/** Draws up and finalizes the first invoice of a subscription. */
export function billSubscription(
  tx: Transaction,
  bill: { subscription: Subscription; pay: 'now' | 'processing' | 'later' },
): Bill {
  const { subscription, pay } = bill;
  const attempt =
    pay === 'later'
      ? null
      : { offSession: false, paymentMethod: workingMethod(tx, subscription.customer, pay) };
  return billAtOnce(tx, { subscription, reason: 'subscription_create', items: subscription.items, attempt });
}

/** Pays an open invoice and writes the events of it. */
export function payInvoice(tx: Transaction, invoice: Invoice): Invoice {
  const paymentMethod = workingMethod(tx, invoice.customer, 'now');
  return collectInvoice(tx, invoice, { offSession: false, paymentMethod }).invoice;
}

function workingMethod(tx: Transaction, customer: string, pay: 'now' | 'processing'): string {
  const testCard = testCardOfToken(pay === 'now' ? 'pm_card_visa' : 'pm_usBankAccount');
  if (!testCard) throw new Error('no test card');
  const method = createPaymentMethod(tx, { testCard });
  return tx.put(paymentMethodTable, { ...method, customer }).id;
}
