import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { jsonSchemaTransform, jsonSchemaTransformObject } from '@fastify/type-provider-zod';
import type { FastifyInstance } from 'fastify';
import plugin from 'fastify-plugin';

/** The API's document at /openapi.json and a page to read and try it at /docs. */
export const openapi = plugin(async (app: FastifyInstance) => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'tenantry gateway',
        version: '1',
        description: 'Checkouts that become tenants, Stripe’s webhooks, health and metrics.',
      },
      components: {
        securitySchemes: {
          checkoutKey: { type: 'http', scheme: 'bearer', description: 'a key of CHECKOUT_API_KEYS' },
        },
      },
      tags: [
        { name: 'checkouts', description: 'A purchase becomes a tenant' },
        { name: 'webhooks', description: 'Events from Stripe' },
        { name: 'operation', description: 'Health and metrics' },
      ],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => withMediaTypeOfErrors(jsonSchemaTransformObject(document)),
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
});

type Content = Record<string, unknown>;
type Operation = { responses?: Record<string, { content?: Content }> };

/** A route's schema can't tell the media type of an answer; all of ours from 400 on are problems. */
function withMediaTypeOfErrors<Document extends object>(document: Document): Document {
  const paths = 'paths' in document ? (document.paths as Record<string, Record<string, Operation>>) : {};
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    for (const [status, response] of Object.entries(operation.responses ?? {})) {
      const { 'application/json': json, ...others } = response.content ?? {};
      if (Number(status) < 400 || json === undefined) continue;
      response.content = { ...others, 'application/problem+json': json };
    }
  }
  return document;
}
