import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { invalidRequest } from '../api/errors.ts';
import { completeSession } from '../billing/checkout/checkout-completion.ts';
import { settleDelayedPayment } from '../billing/checkout/checkout-settlement.ts';
import { checkoutSessionTable, expireSession } from '../billing/checkout/checkout-state.ts';
import type { Simulation } from '../simulation.ts';
import { causedByStripe, runStep, type Transaction } from '../state/transaction.ts';

/** The bank account behind `payment: 'delayed'`. */
const bankAccount = 'pm_usBankAccount';

const completionSchema = z
  .strictObject({
    /** Short for the card that works, and for a bank account whose debit is settled later. */
    payment: z.enum(['card', 'delayed']).default('card'),
    card: z.string().nullable().optional(),
    authenticates: z.boolean().optional(),
    email: z.string().optional(),
    name: z.string().optional(),
    phone: z.string().optional(),
    address: z
      .strictObject({
        city: z.string(),
        country: z.string(),
        line1: z.string(),
        line2: z.string(),
        postal_code: z.string(),
        state: z.string(),
      })
      .partial()
      .optional(),
    quantities: z.record(z.string(), z.number().int().min(0)).optional(),
  })
  .transform(({ payment, card, ...typed }) => ({
    ...typed,
    card: card === undefined && payment === 'delayed' ? bankAccount : card,
  }));
const settlementSchema = z.strictObject({ paid: z.boolean() });

export type CheckoutCompletion = z.input<typeof completionSchema>;

/** `/_control/checkout-sessions/…`: what a buyer, a bank or time does to a session. */
export function checkoutRoutes(app: FastifyInstance, simulation: Simulation): void {
  const act = <Result>(run: (tx: Transaction) => Result): Result =>
    runStep(simulation.steps, causedByStripe, run);
  app.post<{ Params: { id: string } }>('/_control/checkout-sessions/:id/complete', (request) => {
    const completion = completionSchema.parse(request.body);
    return act((tx) => completeSession(tx, { id: request.params.id, ...completion }));
  });
  app.post<{ Params: { id: string } }>('/_control/checkout-sessions/:id/settle', (request) => {
    const { paid } = settlementSchema.parse(request.body);
    return act((tx) => settleDelayedPayment(tx, request.params.id, paid));
  });
  app.post<{ Params: { id: string } }>('/_control/checkout-sessions/:id/expire', (request) =>
    act((tx) => {
      const stored = tx.get(checkoutSessionTable, request.params.id);
      if (stored?.session.status !== 'open')
        throw invalidRequest({ message: `no open checkout session ${request.params.id}` }, 404);
      return expireSession(tx, stored);
    }),
  );
}
