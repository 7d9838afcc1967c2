import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { sent } from '../api/parameters.ts';
import type { Simulation } from '../simulation.ts';
import { deliveryMatchSchema, deliveryRuleSchema } from '../webhooks/delivery-rules.ts';
import { deliverySettingsSchema } from '../webhooks/delivery-settings.ts';
import { shuffleSchema } from '../webhooks/delivery-shuffle.ts';

/** Longest wait for idleness that one request may ask for. */
const idleWaitMaxMs = 120_000;

const deliverSchema = z.strictObject({
  eventIds: z.array(z.string()),
  copies: z.number().int().min(1).max(1_000).default(1),
  endpointId: z.string().optional(),
});
const idleSchema = z.strictObject({ timeoutMs: z.number().int().min(1).max(idleWaitMaxMs) });

/** `/_control/deliveries/…`: what becomes of webhooks on their way. */
export function deliveryRoutes(app: FastifyInstance, { deliveries }: Simulation): void {
  app.get('/_control/deliveries', () => deliveries.log.all());
  app.get('/_control/deliveries/counts', () => deliveries.counts());
  app.get('/_control/deliveries/held', () => deliveries.heldDeliveries());
  app.post('/_control/deliveries/hold', (request) => {
    deliveries.hold(deliveryMatchSchema.parse(request.body));
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
  app.post('/_control/deliveries/shuffle', (request) => {
    deliveries.shuffleBy(shuffleSchema.parse(request.body));
    return {};
  });
  app.delete('/_control/deliveries/shuffle', () => {
    deliveries.shuffleBy(undefined);
    return {};
  });
  app.post('/_control/deliveries/settings', (request) =>
    deliveries.configure(sent(deliverySettingsSchema.partial().parse(request.body))),
  );
  app.post('/_control/deliveries/wait-until-idle', async (request) => ({
    idle: await deliveries.whenIdle(idleSchema.parse(request.body).timeoutMs),
    ...deliveries.counts(),
  }));
}
