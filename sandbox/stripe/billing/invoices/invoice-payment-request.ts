import { cardRefused, invalidRequest, type StripeError } from '../../api/errors.ts';
import type { Transaction } from '../../state/transaction.ts';
import type { PaymentOutcome } from '../payments/payment-attempt.ts';
import { paymentMethodNamed, requireUsable } from '../payments/payment-method-attachment.ts';
import { paymentMethodMissing } from '../subscriptions/subscription-payment-refusal.ts';
import { collectInvoice } from './invoice-collection.ts';
import { finalizeInvoice } from './invoice-finalization.ts';
import type { PayInvoice } from './invoice-parameters.ts';
import { payingIntent } from './invoice-payment-intent.ts';
import { methodFor } from './invoice-retries.ts';
import { payOutOfBand } from './invoice-settlement.ts';
import type { Invoice } from './invoice-state.ts';

/**
 * Pays an invoice because a request asks for it; a draft is finalized first.
 * @throws StripeError 400 when it can't be paid, 402 when the payment fails, which is remembered
 */
export function payInvoice(tx: Transaction, invoice: Invoice, parameters: PayInvoice): Invoice {
  refuseUnpayable(tx, invoice);
  const named = parameters.payment_method;
  const paymentMethod = named === undefined ? methodFor(tx, invoice) : usableMethod(tx, invoice, named);
  const isCharged = !parameters.paid_out_of_band && invoice.amount_due > 0;
  if (isCharged && paymentMethod === null) throw paymentMethodMissing();
  const open = invoice.status === 'draft' ? finalizeInvoice(tx, invoice) : invoice;
  if (open.status === 'paid') return open;
  if (parameters.paid_out_of_band) return payOutOfBand(tx, open);
  if (paymentMethod === null) throw paymentMethodMissing();
  const offSession = parameters.off_session ?? true;
  const collected = collectInvoice(tx, open, { offSession, paymentMethod });
  const refusal = collected.outcome && refusalOf(collected.outcome);
  if (refusal) throw refusal;
  return collected.invoice;
}

function refuseUnpayable(tx: Transaction, invoice: Invoice): void {
  if (invoice.status === 'paid') throw invalidRequest({ message: 'Invoice is already paid' });
  if (invoice.status === 'void') {
    throw invalidRequest({
      code: 'invoice_not_editable',
      message: 'You cannot pay an invoice that is void.',
    });
  }
  if (payingIntent(tx, invoice.id)?.intent.status === 'processing') {
    throw invalidRequest({ message: 'This invoice has a payment that is processing. Wait for its outcome.' });
  }
}

function usableMethod(tx: Transaction, invoice: Invoice, id: string): string {
  const method = paymentMethodNamed(tx, id, 'payment_method');
  requireUsable(tx, method, { customer: invoice.customer, object: 'PaymentIntent' });
  return method.id;
}

function refusalOf(outcome: PaymentOutcome): StripeError | null {
  if (outcome.kind === 'failed') {
    const { type: _, ...body } = outcome.error;
    return cardRefused({ ...body, payment_intent: outcome.intent }, { keepsChanges: true });
  }
  if (outcome.kind !== 'requires_action') return null;
  const message =
    'This payment requires additional user action before it can be completed successfully. Payment can be completed using the PaymentIntent associated with the invoice. For more details see: https://stripe.com/docs/billing/subscriptions/overview#requires-action';
  return cardRefused(
    { code: 'invoice_payment_intent_requires_action', message, payment_intent: outcome.intent },
    { keepsChanges: true },
  );
}
