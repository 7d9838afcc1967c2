import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { invalidRequest } from '../api/errors.ts';
import { closeDispute, disputeTable, openDispute } from '../billing/payments/charge-disputes.ts';
import { chargeTable } from '../billing/payments/charge-state.ts';
import { concludePayment } from '../billing/payments/payment-conclusion.ts';
import { clearPaymentFates, paymentFateSchema, setPaymentFate } from '../billing/payments/payment-fates.ts';
import { finishAuthentication, finishProcessing } from '../billing/payments/payment-settlement.ts';
import { finishSetup, setupIntentTable } from '../billing/payments/payment-setup.ts';
import { type PaymentIntent, paymentIntentTable } from '../billing/payments/payments.ts';
import type { Simulation } from '../simulation.ts';
import { causedByStripe, runStep, type Transaction } from '../state/transaction.ts';

const authenticationSchema = z.strictObject({ succeeds: z.boolean() });
const settlementSchema = z.strictObject({ paid: z.boolean() });
const disputeSchema = z.strictObject({ reason: z.enum(['fraudulent', 'product_not_received']) });
const decisionSchema = z.strictObject({ won: z.boolean() });

/** What banks do about payments, and customers whom they ask. */
export function paymentRoutes(app: FastifyInstance, simulation: Simulation): void {
  const act = <Result>(run: (tx: Transaction) => Result): Result =>
    runStep(simulation.steps, causedByStripe, run);
  app.post('/_control/payment-fates', (request) => {
    const fate = paymentFateSchema.parse(request.body);
    act((tx) => setPaymentFate(tx, fate));
    return {};
  });
  app.delete('/_control/payment-fates', () => {
    act(clearPaymentFates);
    return {};
  });
  app.post<{ Params: { id: string } }>('/_control/intents/:id/authenticate', (request) => {
    const { succeeds } = authenticationSchema.parse(request.body);
    const { id } = request.params;
    return act((tx) => {
      const setup = tx.get(setupIntentTable, id);
      if (setup) return finishSetup(tx, setup, succeeds);
      const outcome = finishAuthentication(tx, intentOf(tx, id), succeeds);
      concludePayment(tx, outcome);
      return outcome.intent;
    });
  });
  app.post<{ Params: { id: string } }>('/_control/intents/:id/settle', (request) => {
    const { paid } = settlementSchema.parse(request.body);
    return act((tx) => {
      const outcome = finishProcessing(tx, intentOf(tx, request.params.id), paid);
      concludePayment(tx, outcome);
      return outcome.intent;
    });
  });
  app.post<{ Params: { id: string } }>('/_control/charges/:id/dispute', (request) => {
    const { reason } = disputeSchema.parse(request.body);
    return act((tx) => {
      const charge = tx.get(chargeTable, request.params.id);
      if (!charge?.captured)
        throw invalidRequest({ message: `no captured charge ${request.params.id}` }, 404);
      return openDispute(tx, charge, reason);
    });
  });
  app.post<{ Params: { id: string } }>('/_control/disputes/:id/close', (request) => {
    const { won } = decisionSchema.parse(request.body);
    return act((tx) => {
      const dispute = tx.get(disputeTable, request.params.id);
      if (!dispute) throw invalidRequest({ message: `no dispute ${request.params.id}` }, 404);
      return closeDispute(tx, dispute, won ? 'won' : 'lost');
    });
  });
}

function intentOf(tx: Transaction, id: string): PaymentIntent {
  const intent = tx.get(paymentIntentTable, id);
  if (!intent) throw invalidRequest({ message: `no payment intent ${id}` }, 404);
  return intent;
}
