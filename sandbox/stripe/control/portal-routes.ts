import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { invalidRequest } from '../api/errors.ts';
import {
  cancelInPortal,
  changeCardInPortal,
  renewInPortal,
  updateCustomerInPortal,
  updateInPortal,
} from '../billing/portal/portal-actions.ts';
import { portalSessionTable, type StoredPortalSession } from '../billing/portal/portal-session.ts';
import { renderSubscription } from '../billing/subscriptions/subscription-state.ts';
import type { Simulation } from '../simulation.ts';
import { causedByStripe, runStep, type Transaction } from '../state/transaction.ts';

const subscription = z.string();
const cancelSchema = z.strictObject({
  subscription,
  details: z.strictObject({ comment: z.string().optional() }).optional(),
});
const renewSchema = z.strictObject({ subscription });
const updateSchema = z.strictObject({
  subscription,
  items: z
    .array(
      z.strictObject({
        id: z.string().optional(),
        price: z.string().optional(),
        quantity: z.number().int().min(0).optional(),
      }),
    )
    .min(1),
});
const cardSchema = z.strictObject({
  card: z.string(),
  authenticates: z.boolean().default(true),
  subscription: subscription.optional(),
});
const customerSchema = z.strictObject({
  email: z.string().optional(),
  name: z.string().optional(),
  phone: z.string().optional(),
});

export type PortalCancel = z.input<typeof cancelSchema>;
export type PortalUpdate = z.input<typeof updateSchema>;
export type PortalCard = z.input<typeof cardSchema>;
export type PortalCustomer = z.input<typeof customerSchema>;

/** `/_control/portal-sessions/:id/…`: what a customer does on the portal's page. */
export function portalRoutes(app: FastifyInstance, simulation: Simulation): void {
  const on = (
    name: string,
    act: (tx: Transaction, session: StoredPortalSession, body: unknown) => object,
  ): void => {
    app.post<{ Params: { id: string } }>(`/_control/portal-sessions/:id/${name}`, (request) =>
      runStep(simulation.steps, causedByStripe, (tx) => {
        const session = tx.get(portalSessionTable, request.params.id);
        if (!session)
          throw invalidRequest({ message: `no portal session ${request.params.id}: it may be over` }, 404);
        return act(tx, session, request.body);
      }),
    );
  };
  on('cancel', (tx, session, body) =>
    renderSubscription(tx, cancelInPortal(tx, session, cancelSchema.parse(body))),
  );
  on('renew', (tx, session, body) =>
    renderSubscription(tx, renewInPortal(tx, session, renewSchema.parse(body))),
  );
  on('update', (tx, session, body) =>
    renderSubscription(tx, updateInPortal(tx, session, updateSchema.parse(body))),
  );
  on('card', (tx, session, body) => ({
    payment_method: changeCardInPortal(tx, session, cardSchema.parse(body)),
  }));
  on('customer', (tx, session, body) => updateCustomerInPortal(tx, session, customerSchema.parse(body)));
}
