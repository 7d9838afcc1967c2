import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { StripeError } from '../api/errors.ts';
import type { Simulation } from '../simulation.ts';
import { billingRoutes } from './billing-routes.ts';
import { checkoutRoutes } from './checkout-routes.ts';
import { deliveryRoutes } from './delivery-routes.ts';
import { eventRoutes } from './event-routes.ts';
import { paymentRoutes } from './payment-routes.ts';
import { portalRoutes } from './portal-routes.ts';
import { requestRoutes } from './request-routes.ts';
import { stateRoutes } from './state-routes.ts';

/**
 * Registers `/_control/…`: what tests and the demo steer the simulator by, a file for each theme. Every route takes
 * and answers JSON; `control.ts` is the typed client.
 */
export function controlRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.setErrorHandler((error, _request, reply) => {
    const status = error instanceof z.ZodError ? 422 : error instanceof StripeError ? error.status : 500;
    return reply.status(status).send({ error: error instanceof Error ? error.message : String(error) });
  });
  stateRoutes(app, simulation);
  requestRoutes(app, simulation);
  eventRoutes(app, simulation);
  deliveryRoutes(app, simulation);
  billingRoutes(app, simulation);
  paymentRoutes(app, simulation);
  checkoutRoutes(app, simulation);
  portalRoutes(app, simulation);
}
