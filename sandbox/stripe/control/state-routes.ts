import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Simulation } from '../simulation.ts';

const timeSchema = z.strictObject({ offsetMs: z.number().int() });

/** `/_control/reset` and `/_control/time`. */
export function stateRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.post('/_control/reset', () => {
    simulation.reset();
    return {};
  });
  app.post('/_control/time', async (request) => {
    await simulation.moveTime(timeSchema.parse(request.body).offsetMs);
    const { clock } = simulation.account;
    return { nowSeconds: clock.nowSeconds(), offsetMs: clock.offsetMs() };
  });
}
