import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { StripeError } from '../api/errors.ts';
import { faultSchema } from '../api/faults.ts';
import { sent } from '../api/parameters.ts';
import { billingSettingsSchema } from '../billing/billing-settings.ts';
import { completeSession, settleDelayedPayment } from '../billing/checkout-completion.ts';
import { checkoutSessionTable, expireSession } from '../billing/checkout-state.ts';
import {
  endSubscription,
  renderSubscription,
  subscriptionStatuses,
  subscriptionTable,
  updateSubscription,
} from '../billing/subscription-state.ts';
import type { Simulation } from '../simulation.ts';
import { eventTable, renderEvent } from '../state/events.ts';
import { causedByStripe, runStep, type Transaction } from '../state/transaction.ts';
import { deliveryRuleSchema } from '../webhooks/delivery-rules.ts';

/** Longest wait for idleness that one request may ask for. */
const idleWaitMaxMs = 120_000;

const deliverySettingsSchema = z
  .strictObject({
    timeoutMs: z.number().int().min(1),
    retryFirstMs: z.number().int().min(0),
    retryFactor: z.number().min(1),
    retryWaitMaxMs: z.number().int().min(0),
    attemptsMax: z.number().int().min(1),
    concurrentMax: z.number().int().min(1),
  })
  .partial();

const deliverSchema = z.strictObject({
  eventIds: z.array(z.string()),
  copies: z.number().int().min(1).max(1_000).default(1),
});
const emitSchema = z.strictObject({ type: z.string().min(1), object: z.record(z.string(), z.unknown()) });
const completionSchema = z.strictObject({
  payment: z.enum(['card', 'delayed']).default('card'),
  email: z.string().optional(),
  name: z.string().optional(),
});
const statusSchema = z.strictObject({ status: z.enum(subscriptionStatuses) });

/**
 * Registers `/_control/…`: what tests and the demo steer the simulator by. Every route takes and answers JSON;
 * `control.ts` is the typed client.
 */
export function controlRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.setErrorHandler((error, _request, reply) => {
    const status = error instanceof z.ZodError ? 422 : error instanceof StripeError ? error.status : 500;
    return reply.status(status).send({ error: error instanceof Error ? error.message : String(error) });
  });
  stateRoutes(app, simulation);
  deliveryRoutes(app, simulation);
  stripeSideRoutes(app, simulation);
}

function stateRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.post('/_control/reset', () => {
    simulation.reset();
    return {};
  });
  app.get('/_control/requests', () => simulation.requests.all());
  app.post('/_control/faults', (request) => {
    simulation.faults.inject(faultSchema.parse(request.body));
    return {};
  });
  app.delete('/_control/faults', () => {
    simulation.faults.clear();
    return {};
  });
  app.post('/_control/billing-settings', (request) => {
    const changes = sent(billingSettingsSchema.partial().parse(request.body));
    simulation.account.billing = { ...simulation.account.billing, ...changes };
    return simulation.account.billing;
  });
  app.post('/_control/time', async (request) => {
    await simulation.moveTime(z.strictObject({ offsetMs: z.number().int() }).parse(request.body).offsetMs);
    return {
      nowSeconds: simulation.account.clock.nowSeconds(),
      offsetMs: simulation.account.clock.offsetMs(),
    };
  });
}

function deliveryRoutes(app: FastifyInstance, simulation: Simulation): void {
  const { deliveries } = simulation;
  app.get('/_control/deliveries', () => deliveries.log.all());
  app.get('/_control/deliveries/counts', () => deliveries.counts());
  app.get('/_control/deliveries/held', () => deliveries.heldDeliveries());
  app.post('/_control/deliveries/hold', (request) => {
    deliveries.rules.holdBack(
      z.strictObject({ types: z.array(z.string()).optional() }).parse(request.body).types,
    );
    return {};
  });
  app.post('/_control/deliveries/release', () => {
    deliveries.release();
    return {};
  });
  app.post('/_control/deliveries/deliver', (request) =>
    deliveries.deliver(deliverSchema.parse(request.body)),
  );
  app.post('/_control/deliveries/rules', (request) => {
    deliveries.rules.add(deliveryRuleSchema.parse(request.body));
    return {};
  });
  app.post('/_control/deliveries/settings', (request) => {
    return deliveries.configure(sent(deliverySettingsSchema.parse(request.body)));
  });
  app.post('/_control/deliveries/wait-until-idle', async (request) => {
    const schema = z.strictObject({ timeoutMs: z.number().int().min(1).max(idleWaitMaxMs) });
    return { idle: await deliveries.whenIdle(schema.parse(request.body).timeoutMs), ...deliveries.counts() };
  });
}

/** What Stripe or a buyer does, without an API request. */
function stripeSideRoutes(app: FastifyInstance, simulation: Simulation): void {
  const act = <Result>(run: (tx: Transaction) => Result): Result =>
    runStep(simulation.steps, causedByStripe, run);
  app.post('/_control/events', (request) => {
    const { type, object } = emitSchema.parse(request.body);
    const { id } = act((tx) => tx.emit(type, object));
    const record = simulation.account.table(eventTable).get(id);
    return record ? renderEvent(record) : {};
  });
  app.post<{ Params: { id: string } }>('/_control/subscriptions/:id/status', (request) => {
    const { status } = statusSchema.parse(request.body);
    return act((tx) => {
      const row = tx.get(subscriptionTable, request.params.id);
      if (!row) throw new Error(`no subscription ${request.params.id}`);
      const isEnd = status === 'canceled' && row.status !== 'canceled';
      const details = { reason: 'payment_failed' } as const;
      const after = isEnd
        ? endSubscription(tx, row, { endedAt: tx.now, details })
        : updateSubscription(tx, row, { status });
      return renderSubscription(tx, after);
    });
  });
  app.post<{ Params: { id: string } }>('/_control/checkout-sessions/:id/complete', (request) => {
    const completion = completionSchema.parse(request.body);
    return act((tx) => completeSession(tx, { id: request.params.id, ...completion }));
  });
  app.post<{ Params: { id: string } }>('/_control/checkout-sessions/:id/settle', (request) => {
    const { paid } = z.strictObject({ paid: z.boolean() }).parse(request.body);
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
