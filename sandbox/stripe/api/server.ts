import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { controlRoutes } from '../control/control-routes.ts';
import { pages } from '../pages/pages.ts';
import type { Route } from '../resource.ts';
import { resources } from '../resources.ts';
import type { Simulation } from '../simulation.ts';
import { answerApi } from './api.ts';
import { invalidRequest, type StripeError, unrecognizedUrl } from './errors.ts';
import { type FormParameters, parseForm } from './form.ts';

/** Largest body accepted: far above any form that stripe-node sends. */
const bodyBytesMax = 1_048_576;
/** Longest id in a path. */
const pathIdLengthMax = 500;

/** The HTTP server of a simulation: the API, the control API and the pages. It does not listen yet. */
export function createServer(simulation: Simulation): FastifyInstance {
  const app = fastify({
    bodyLimit: bodyBytesMax,
    routerOptions: { maxParamLength: pathIdLengthMax, querystringParser: parseForm },
    forceCloseConnections: true,
  });
  app.register(async (api) => {
    api.removeAllContentTypeParsers();
    api.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string' },
      async (_request: FastifyRequest, body: string) => parseForm(body),
    );
    for (const resource of resources) {
      for (const route of resource.routes) {
        api.route({
          method: route.method,
          url: route.path,
          handler: (request, reply) => answer(simulation, route, request, reply),
        });
      }
    }
  });
  app.register(async (inner) => controlRoutes(inner, simulation));
  app.register(async (inner) => pages(inner, simulation));
  app.setNotFoundHandler((request, reply) =>
    answer(simulation, unrecognizedUrl(request.method, pathOf(request)), request, reply),
  );
  app.setErrorHandler((error: { statusCode?: number; message: string }, request, reply) => {
    const status = error.statusCode ?? 500;
    // Also for a body of another type: the API takes forms only.
    return status < 500 && pathOf(request).startsWith('/v1/')
      ? answer(
          simulation,
          invalidRequest({ message: `Invalid request: ${error.message}` }, 400),
          request,
          reply,
        )
      : reply.status(status).send({ error: { message: error.message } });
  });
  return app;
}

async function answer(
  simulation: Simulation,
  route: Route | StripeError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const answered = await answerApi(simulation, route, {
    method: request.method,
    path: pathOf(request),
    id: idOf(request.params),
    headers: request.headers,
    parameters: { ...asParameters(request.query), ...asParameters(request.body) },
  });
  if (answered.isLost) {
    reply.hijack();
    request.raw.socket.destroy();
    return reply;
  }
  return reply
    .status(answered.status)
    .headers({ 'content-type': 'application/json', ...answered.headers })
    .send(answered.body);
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0] ?? '';
}

/** The ids in the path, joined by slashes where there are two. */
function idOf(parameters: unknown): string {
  return typeof parameters === 'object' && parameters !== null ? Object.values(parameters).join('/') : '';
}

function asParameters(value: unknown): FormParameters {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
