import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { GatewayDependencies } from '../dependencies.ts';
import { refuseOtherMethods } from '../problem.ts';

export async function metricsRoute(
  app: FastifyInstance,
  { metrics }: Pick<GatewayDependencies, 'metrics'>,
): Promise<void> {
  const schema = {
    tags: ['operation'],
    summary: 'Metrics in the text format of Prometheus',
    produces: [metrics.registry.contentType],
    response: { 200: z.string() },
  };
  app.get('/metrics', { schema }, async (_request, reply) => {
    const text = await metrics.registry.metrics();
    return reply
      .type(metrics.registry.contentType)
      .serializer((body: string) => body)
      .send(text);
  });
  refuseOtherMethods(app, '/metrics', ['GET', 'HEAD']);
}
