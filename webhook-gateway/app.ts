import { randomUUID } from 'node:crypto';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from '@fastify/type-provider-zod';
import { type FastifyBaseLogger, fastify, LogController } from 'fastify';
import { refuseOnSocket } from './broken-request.ts';
import type { App, GatewayDependencies } from './dependencies.ts';
import { BODY_BYTES_MAX } from './limits.ts';
import { openapi } from './openapi.ts';
import { registerProblems, sendProblem } from './problem.ts';
import { checkoutRoutes } from './routes/checkouts.ts';
import { healthRoutes } from './routes/health.ts';
import { metricsRoute } from './routes/metrics.ts';
import { webhookRoutes } from './routes/webhooks.ts';

export type { GatewayDependencies } from './dependencies.ts';

const REQUEST_ID_HEADER = 'x-request-id';
/** Temporal allows workflow ids of a thousand characters; ours have at most 270. */
const PARAMETER_LENGTH_MAX = 1_000;
/** For a whole request to arrive, headers and body; Stripe sends a few kilobytes. */
const REQUEST_TIMEOUT_MS = 15_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** How often Node looks for requests beyond these two limits; its own 30 s would triple them. */
const TIMEOUTS_CHECK_INTERVAL_MS = 1_000;
/** A socket on which nothing moves; longer than any answer of ours takes. */
const CONNECTION_TIMEOUT_MS = 60_000;
/** Above the idle time of usual load balancers (60 s), so that they close first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

/** Builds the gateway's routes on what is handed in. It doesn't listen and owns nothing but itself. */
export function buildApp(dependencies: GatewayDependencies): App {
  const app = fastify({
    loggerInstance: dependencies.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    // Every line names its request itself; a logger made for each would cost a twentieth of a request.
    childLoggerFactory: (log) => log,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUTS_CHECK_INTERVAL_MS },
    forceCloseConnections: 'idle',
    // While we stop, a request that was on its way is served like any other: Fastify's own refusal is no problem+json.
    return503OnClosing: false,
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX },
    // Before any hook has run.
    frameworkErrors: (error, request, reply) =>
      void sendProblem(error, request, reply.header(REQUEST_ID_HEADER, request.id)),
    clientErrorHandler: (error, socket) => {
      const reason = refuseOnSocket(error, socket);
      if (reason !== undefined) dependencies.metrics.refused.inc({ reason });
    },
  }).withTypeProvider<ZodTypeProvider>();
  // A connection beyond the server's limit is dropped unseen; whoever looks at the metrics has to see it.
  app.server.on('drop', () => dependencies.metrics.refused.inc({ reason: 'overloaded' }));
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  registerProblems(app);
  addHooks(app);
  app.register(openapi);
  app.register(webhookRoutes, dependencies);
  app.register(checkoutRoutes, dependencies);
  app.register(healthRoutes, dependencies);
  app.register(metricsRoute, dependencies);
  return app;
}

/** With callbacks rather than promises: they run for every request. */
function addHooks(app: App): void {
  let isClosing = false;
  app.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });
  app.addHook('onRequest', (request, reply, done) => {
    reply.header(REQUEST_ID_HEADER, request.id);
    done();
  });
  // An answer that is given while we stop is its connection's last; kept open, it would hold up the stop.
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (isClosing) reply.header('connection', 'close');
    done(null, payload);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { id, method } = request;
    const { url } = request.routeOptions;
    const { statusCode: status, elapsedTime: ms } = reply;
    request.log.debug({ request_id: id, method, url, status, ms }, 'answered');
    done();
  });
}
