import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { completeSession, settleDelayedPayment } from '../billing/checkout-completion.ts';
import { checkoutSessionTable, expireSession } from '../billing/checkout-state.ts';
import type { Simulation } from '../simulation.ts';
import { causedByStripe, runStep, type Transaction } from '../state/transaction.ts';

const completionSchema = z.strictObject({
  payment: z.enum(['card', 'delayed']).default('card'),
  email: z.string().optional(),
  name: z.string().optional(),
});
const settlementSchema = z.strictObject({ paid: z.boolean() });

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
      if (stored?.session.status !== 'open') throw new Error(`no open checkout session ${request.params.id}`);
      return expireSession(tx, stored);
    }),
  );
}
