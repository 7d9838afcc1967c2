import type { FastifyInstance } from 'fastify';
import { faultSchema } from '../api/faults.ts';
import { requestLimitsSchema } from '../api/request-limits.ts';
import type { Simulation } from '../simulation.ts';

/** What came in, what is to go wrong with it, and how much may come. */
export function requestRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.get('/_control/requests', () => simulation.requests.all());
  app.post('/_control/faults', (request) => {
    simulation.faults.inject(faultSchema.parse(request.body));
    return {};
  });
  app.post('/_control/request-limits', (request) => {
    simulation.limiter.configure(requestLimitsSchema.parse(request.body));
    return {};
  });
  app.delete('/_control/faults', () => {
    simulation.faults.clear();
    return {};
  });
}
