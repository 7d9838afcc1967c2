import type { FastifyInstance } from 'fastify';
import { faultSchema } from '../api/faults.ts';
import type { Simulation } from '../simulation.ts';

/** `/_control/requests` and `/_control/faults`: what came in, and what is to go wrong with it. */
export function requestRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.get('/_control/requests', () => simulation.requests.all());
  app.post('/_control/faults', (request) => {
    simulation.faults.inject(faultSchema.parse(request.body));
    return {};
  });
  app.delete('/_control/faults', () => {
    simulation.faults.clear();
    return {};
  });
}
