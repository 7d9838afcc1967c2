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
    return reply
      .status(statusOf(error))
      .send({ error: error instanceof Error ? error.message : String(error) });
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

function statusOf(error: unknown): number {
  if (error instanceof z.ZodError) return 422;
  if (error instanceof StripeError) return error.status;
  // Fastify's own refusals, such as of a body that is no JSON.
  const isRefusal = error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number';
  return isRefusal ? Number(error.statusCode) : 500;
}
