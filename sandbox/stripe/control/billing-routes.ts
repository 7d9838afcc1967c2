import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { invalidRequest } from '../api/errors.ts';
import { sent } from '../api/parameters.ts';
import { billingSettingsSchema } from '../billing/billing-settings.ts';
import { endSubscription } from '../billing/subscriptions/subscription-end.ts';
import {
  renderSubscription,
  subscriptionStatuses,
  subscriptionTable,
  updateSubscription,
} from '../billing/subscriptions/subscription-state.ts';
import type { Simulation } from '../simulation.ts';
import { causedByStripe, runStep } from '../state/transaction.ts';

const statusSchema = z.strictObject({ status: z.enum(subscriptionStatuses) });

/** What Stripe keeps in the dashboard, and what it does to subscriptions by itself. */
export function billingRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.post('/_control/billing-settings', (request) => {
    const changes = sent(billingSettingsSchema.partial().parse(request.body));
    simulation.account.billing = { ...simulation.account.billing, ...changes };
    return simulation.account.billing;
  });
  app.post<{ Params: { id: string } }>('/_control/subscriptions/:id/status', (request) => {
    const { status } = statusSchema.parse(request.body);
    return runStep(simulation.steps, causedByStripe, (tx) => {
      const row = tx.get(subscriptionTable, request.params.id);
      if (!row) throw invalidRequest({ message: `no subscription ${request.params.id}` }, 404);
      const isEnd = status === 'canceled' && row.status !== 'canceled';
      const details = { reason: 'payment_failed' } as const;
      const after = isEnd ? endSubscription(tx, row, details) : updateSubscription(tx, row, { status });
      return renderSubscription(tx, after);
    });
  });
}
