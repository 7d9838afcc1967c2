import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { invalidRequest } from '../api/errors.ts';
import type { Simulation } from '../simulation.ts';
import { eventTable, renderEvent } from '../state/events.ts';
import { causedByStripe, runStep } from '../state/transaction.ts';
import { findTarget, rollSecret } from '../webhooks/delivery-targets.ts';
import { createDestination } from '../webhooks/destination-creation.ts';
import { secretKeptMaxMs } from '../webhooks/signing-secrets.ts';

const emitSchema = z.strictObject({
  type: z.string().min(1),
  object: z.record(z.string(), z.unknown()),
  /** `acct_…` of a connected account; the platform's own when not given. */
  account: z.string().optional(),
});
const destinationSchema = z.strictObject({
  url: z.string(),
  payload: z.enum(['snapshot', 'thin']).default('thin'),
  enabledEvents: z.array(z.string()).min(1).default(['*']),
  eventsFrom: z
    .array(z.enum(['@accounts', '@self']))
    .min(1)
    .default(['@self']),
});
const rollSchema = z.strictObject({
  expiresAfterMs: z.number().int().min(0).max(secretKeptMaxMs).default(secretKeptMaxMs),
});

/** Events that no request causes, and what is done to their receivers in the dashboard. */
export function eventRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.post('/_control/events', (request) => {
    const { type, object, account } = emitSchema.parse(request.body);
    const { steps } = simulation.ofAccount(account ?? null);
    const { id } = runStep(steps, causedByStripe, (tx) => tx.emit(type, object));
    const record = steps.account.table(eventTable).get(id);
    return record ? renderEvent(record) : {};
  });
  app.post('/_control/event-destinations', (request) => {
    const { payload, enabledEvents, eventsFrom, url } = destinationSchema.parse(request.body);
    const { destination, secret } = runStep(simulation.steps, causedByStripe, (tx) =>
      createDestination(tx, {
        type: 'webhook_endpoint',
        name: url,
        enabled_events: enabledEvents,
        event_payload: payload,
        events_from: eventsFrom,
        webhook_endpoint: { url },
      }),
    );
    return { id: destination.id, secret };
  });
  app.post<{ Params: { id: string } }>('/_control/webhook-endpoints/:id/roll-secret', (request) => {
    const { id } = request.params;
    const { expiresAfterMs } = rollSchema.parse(request.body);
    const steps = [...simulation.everyAccount()].find(({ account }) => findTarget(account, id));
    if (!steps) throw invalidRequest({ message: `no webhook endpoint or event destination ${id}` }, 404);
    return { secret: runStep(steps, causedByStripe, (tx) => rollSecret(tx, id, expiresAfterMs)) };
  });
}
