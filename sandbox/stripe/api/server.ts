import type { ServerResponse } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { controlRoutes } from '../control/control-routes.ts';
import { pages } from '../pages/pages.ts';
import type { Route } from '../resource.ts';
import { resources } from '../resources.ts';
import type { Simulation } from '../simulation.ts';
import type { ApiAnswer } from './answers.ts';
import { answerApi } from './api.ts';
import { invalidRequest, StripeError, unrecognizedUrl } from './errors.ts';
import { type FormParameters, parseForm, parseJson } from './form.ts';

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
  app.register(async (api) => apiRoutes(api, simulation, '/v1/', readForm));
  app.register(async (api) => apiRoutes(api, simulation, '/v2/', readJson));
  app.register(async (inner) => controlRoutes(inner, simulation));
  app.register(async (inner) => pages(inner, simulation));
  app.setNotFoundHandler((request, reply) =>
    answer(simulation, unrecognizedUrl(request.method, pathOf(request)), request, reply),
  );
  app.setErrorHandler((error: { statusCode?: number; message: string }, request, reply) => {
    if (error instanceof StripeError) return answer(simulation, error, request, reply);
    const status = error.statusCode ?? 500;
    const isApi = /^\/v[12]\//.test(pathOf(request));
    if (status >= 500 || !isApi) return reply.status(status).send({ error: { message: error.message } });
    // Also for a body of another type: the v1 API takes forms only, the v2 API JSON.
    return answer(
      simulation,
      invalidRequest({ message: `Invalid request: ${error.message}` }),
      request,
      reply,
    );
  });
  return app;
}

interface BodyReader {
  readonly contentType: string;
  /** @throws StripeError 400 */
  read(body: string): FormParameters;
}

const readForm: BodyReader = { contentType: 'application/x-www-form-urlencoded', read: parseForm };
const readJson: BodyReader = { contentType: 'application/json', read: parseJson };

function apiRoutes(api: FastifyInstance, simulation: Simulation, prefix: string, body: BodyReader): void {
  api.removeAllContentTypeParsers();
  api.addContentTypeParser(
    body.contentType,
    { parseAs: 'string' },
    async (_request: FastifyRequest, text: string) => body.read(text),
  );
  for (const route of resources.flatMap((resource) => resource.routes)) {
    if (!route.path.startsWith(prefix)) continue;
    api.route({
      method: route.method,
      url: route.path,
      handler: (request, reply) => answer(simulation, route, request, reply),
    });
  }
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
  if (answered.fate === 'whole')
    return reply.status(answered.status).headers(answered.headers).send(answered.body);
  reply.hijack();
  if (answered.fate === 'cut') await sendHalf(reply.raw, answered);
  request.raw.socket.destroy();
  return reply;
}

/** The head promises a whole body. */
function sendHalf(raw: ServerResponse, { status, headers, body }: ApiAnswer): Promise<void> {
  raw.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  return new Promise((resolve) => raw.write(body.slice(0, body.length / 2), () => resolve()));
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
