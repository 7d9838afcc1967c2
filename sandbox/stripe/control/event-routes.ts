import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Simulation } from '../simulation.ts';
import { eventTable, renderEvent } from '../state/events.ts';
import { causedByStripe, runStep } from '../state/transaction.ts';

const emitSchema = z.strictObject({ type: z.string().min(1), object: z.record(z.string(), z.unknown()) });

/** `/_control/events`: events that no request causes. */
export function eventRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.post('/_control/events', (request) => {
    const { type, object } = emitSchema.parse(request.body);
    const { id } = runStep(simulation.steps, causedByStripe, (tx) => tx.emit(type, object));
    const record = simulation.account.table(eventTable).get(id);
    return record ? renderEvent(record) : {};
  });
}
