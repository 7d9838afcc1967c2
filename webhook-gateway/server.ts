import { type Config, ConfigurationError, readConfig } from '../config.ts';
import { createLog } from '../log.ts';
import { createGateway } from './gateway.ts';
import { CONNECTIONS_MAX } from './limits.ts';

/** Longer than any answer takes. A connection that is open still has a request that never came whole. */
const ANSWERS_TIMEOUT_MS = 12_000;
/** After this, what is not done isn't going to be; below the patience of usual process managers (30 s). */
const SHUTDOWN_TIMEOUT_MS = 25_000;

const config = readConfigOrExit();
const log = createLog({ process: 'gateway', level: config.LOG_LEVEL });
const gateway = createGateway(
  {
    databaseUrl: config.DATABASE_URL,
    temporal: config.temporal,
    taskQueue: config.TASK_QUEUE,
    stripeSecretKey: config.STRIPE_SECRET_KEY,
    webhookSecrets: {
      snapshot: config.STRIPE_WEBHOOK_SECRET,
      thin: config.STRIPE_WEBHOOK_SECRET_THIN ?? [],
    },
    checkoutApiKeys: config.CHECKOUT_API_KEYS,
  },
  log,
);
gateway.app.server.maxConnections = CONNECTIONS_MAX;
let isStopping = false;
// Every time: started through npm, one Ctrl-C may reach us twice.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void shutDown(signal));
await listen();

async function listen(): Promise<void> {
  try {
    const address = await gateway.app.listen({ host: config.HOST, port: config.PORT });
    log.info({ address }, 'gateway started');
  } catch (error) {
    log.fatal({ err: error }, `the gateway can’t listen on ${config.HOST}:${config.PORT}`);
    await gateway.close();
    process.exitCode = 1;
  }
}

async function shutDown(signal: string): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  log.info({ signal }, 'gateway stops: no new requests, accepted ones are finished');
  const timer = setTimeout(() => {
    log.error(`the gateway did not stop within ${SHUTDOWN_TIMEOUT_MS} ms`);
    process.exit(1);
  }, SHUTDOWN_TIMEOUT_MS);
  // Once it is closed, Node's own limits for a request's arrival are no longer looked at.
  const hangUp = setTimeout(() => gateway.app.server.closeAllConnections(), ANSWERS_TIMEOUT_MS);
  await gateway.close();
  clearTimeout(hangUp);
  clearTimeout(timer);
  log.info('gateway stopped');
  // A Postgres that hangs never closes its end of a connection, which would keep the process alive.
  process.exit();
}

function readConfigOrExit(): Config<'gateway'> {
  try {
    return readConfig('gateway');
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
