import { join } from 'node:path';
import Stripe from 'stripe';
import { ALL_STRIPE_EVENT_TYPES } from '../domain/stripe-event-types.ts';
import { type MailCatcher, startMailCatcher } from './mail/start-mail-catcher.ts';
import { type Postgres, startPostgres } from './postgres/start-postgres.ts';
import { freePort } from './processes/free-port.ts';
import type { Log } from './processes/progress.ts';
import { type ManagedProcess, type ProcessOptions, startProcess } from './processes/start-process.ts';
import { type StripeSimulator, startStripeSimulator } from './stripe/simulator.ts';
import { startTemporal, type Temporal } from './temporal/start-temporal.ts';

const MASTER_BILLING_TENANT_ID = '00000000-0000-4000-8000-000000000001';
const STRIPE_SECRET_KEY = 'sk_test_sandbox';
/** Bundling the workflows takes seconds, on a busy machine many. */
const READY_LIMIT_MS = 90_000;
const SETUP_LIMIT_MS = 120_000;
/** The worker drains for up to 25 s. */
const STOP_LIMIT_MS = 30_000;

export type StackOptions = {
  /** Kept between runs; missing: temporary. */
  dataDirectory?: string;
  /** With the Temporal web UI. */
  ui?: boolean;
  /** Worker and Temporal get the processor when nobody else wants it, so that acknowledgements don't wait for syncs. */
  acksFirst?: boolean;
  /** false gives up fsync, for tests. */
  durable?: boolean;
  /** Fixed ports for people; missing: free ones. */
  ports?: { gateway?: number; temporal?: number; temporalUi?: number; stripe?: number };
  /** Runs what `npm run build` made instead of the sources. */
  built?: boolean;
  /** Variables of our processes beside those of the stack. */
  env?: Record<string, string>;
  log: Log;
  /** Gets the lines of gateway and worker. */
  processLog?: Log;
};

export type Stack = {
  postgres: Postgres;
  temporal: Temporal;
  simulator: StripeSimulator;
  stripe: Stripe;
  mail: MailCatcher;
  gateway: ManagedProcess;
  worker: ManagedProcess;
  gatewayUrl: string;
  checkoutApiKey: string;
  licensePriceId: string;
  /** Starts one more worker, with variables beside or in place of those of the stack; it is stopped with the others. */
  startWorker: (env?: Record<string, string>) => Promise<ManagedProcess>;
  /** The same for a gateway; without a `PORT` it has that of the first one. */
  startGateway: (env: Record<string, string>) => Promise<ManagedProcess>;
  /** The variables that our processes run with. */
  env: Record<string, string>;
  close: () => Promise<void>;
};

/**
 * Starts everything on this machine: Postgres, Temporal, the Stripe simulator with a licence price and our webhook
 * endpoint, a mail catcher, then set-up, gateway and worker as processes of their own.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const closeOne of closers.splice(0).reverse()) await closeOne();
  };
  const opened = <T extends { close: () => Promise<unknown> }>(part: T): T => {
    closers.push(() => part.close());
    return part;
  };
  try {
    const servers = await startServers(options, opened);
    const gatewayPort = options.ports?.gateway ?? (await freePort());
    const gatewayUrl = `http://127.0.0.1:${gatewayPort}`;
    const stripe = connectTo(servers.simulator);
    const store = await openStore(stripe, `${gatewayUrl}/webhooks/stripe`);
    const env = {
      ...environment({ ...servers, ...store, gatewayPort, metricsPort: await freePort() }),
      ...options.env,
    };
    await runSetup(env, options);
    const starting = [startGateway(env, gatewayUrl, options), startWorker(env, options)];
    for (const process of starting) closers.push(async () => (await process).stop());
    const [gateway, worker] = await Promise.all(starting);
    if (!gateway || !worker) throw new Error('unreachable: both were started');
    const checkoutApiKey = env.CHECKOUT_API_KEYS ?? '';
    const stoppedWithTheOthers = (another: ManagedProcess) => {
      closers.push(() => another.stop());
      return another;
    };
    return {
      startWorker: async (more = {}) =>
        stoppedWithTheOthers(
          await startWorker({ ...env, METRICS_PORT: String(await freePort()), ...more }, options),
        ),
      startGateway: async (more) =>
        stoppedWithTheOthers(
          await startGateway({ ...env, ...more }, `http://127.0.0.1:${more.PORT ?? gatewayPort}`, options),
        ),
      ...servers,
      ...store,
      stripe,
      gateway,
      worker,
      gatewayUrl,
      checkoutApiKey,
      env,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

type Servers = Pick<Stack, 'postgres' | 'temporal' | 'simulator' | 'mail'>;

async function startServers(
  { dataDirectory, ui = false, acksFirst = false, durable = true, ports = {}, log }: StackOptions,
  opened: <T extends { close: () => Promise<unknown> }>(part: T) => T,
): Promise<Servers> {
  const [postgres, temporal, simulator, mail] = await Promise.all([
    startPostgres({
      durable,
      log,
      ...(dataDirectory && { dataDirectory: join(dataDirectory, 'postgres') }),
    }).then(opened),
    startTemporal({
      ui,
      isBackground: acksFirst,
      log,
      ...(dataDirectory && { dataFile: join(dataDirectory, 'temporal.db') }),
      ...(ports.temporal && { port: ports.temporal }),
      ...(ports.temporalUi && { uiPort: ports.temporalUi }),
    }).then(opened),
    startStripeSimulator(ports.stripe ? { port: ports.stripe } : {}).then(opened),
    startMailCatcher().then(opened),
  ]);
  return { postgres, temporal, simulator, mail };
}

function connectTo(simulator: { host: string; port: number }): Stripe {
  const { host, port } = simulator;
  return new Stripe(STRIPE_SECRET_KEY, {
    host,
    port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
  });
}

/** What the owner of a store does in Stripe's dashboard: a product with its price, and the webhook endpoint. */
async function openStore(stripe: Stripe, webhookUrl: string) {
  const product = await stripe.products.create({ name: 'AlgaPSA User License' });
  const price = await stripe.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: 5_000,
    recurring: { interval: 'month' },
  });
  const endpoint = await stripe.webhookEndpoints.create({
    url: webhookUrl,
    enabled_events: [...ALL_STRIPE_EVENT_TYPES] as Stripe.WebhookEndpointCreateParams.EnabledEvent[],
  });
  return { licensePriceId: price.id, webhookSecret: endpoint.secret ?? '' };
}

function environment(
  stack: Servers & {
    licensePriceId: string;
    webhookSecret: string;
    gatewayPort: number;
    metricsPort: number;
  },
): Record<string, string> {
  return {
    DATABASE_URL: stack.postgres.url,
    TEMPORAL_ADDRESS: stack.temporal.address,
    TEMPORAL_NAMESPACE: stack.temporal.namespace,
    STRIPE_SECRET_KEY,
    STRIPE_API_BASE: stack.simulator.url,
    STRIPE_WEBHOOK_SECRET: stack.webhookSecret,
    STRIPE_PRO_PRICE_ID: stack.licensePriceId,
    // The simulator has no need to be spared.
    STRIPE_MAX_REQUESTS_PER_SECOND: '500',
    MASTER_BILLING_TENANT_ID,
    APP_URL: 'https://app.example.com',
    CHECKOUT_API_KEYS: 'sandbox-checkout-key',
    SMTP_URL: stack.mail.smtpUrl,
    MAIL_FROM: 'Example <hello@example.com>',
    HOST: '127.0.0.1',
    PORT: String(stack.gatewayPort),
    METRICS_PORT: String(stack.metricsPort),
    LOG_LEVEL: 'info',
  };
}

async function runSetup(env: Record<string, string>, { log, built }: StackOptions): Promise<void> {
  const setup = await startProcess({ name: 'setup', ...program('worker/setup', built), env, log });
  const timer = setTimeout(() => setup.kill('SIGKILL'), SETUP_LIMIT_MS);
  const { code } = await setup.exited.finally(() => clearTimeout(timer));
  if (code !== 0) throw new Error(['the set-up failed', ...setup.output()].join('\n  '));
}

/** Starts a gateway with these variables; ready when it answers. */
function startGateway(
  env: Record<string, string>,
  url: string,
  options: Pick<StackOptions, 'processLog' | 'built'>,
): Promise<ManagedProcess> {
  return startProcess({
    name: 'gateway',
    ...program('webhook-gateway/server', options.built),
    env,
    readyWhen: { url: `${url}/health/live` },
    readyLimitMs: READY_LIMIT_MS,
    stopLimitMs: STOP_LIMIT_MS,
    ...(options.processLog && { log: options.processLog }),
  });
}

/** Starts a worker with these variables; ready when it polls. */
function startWorker(
  env: Record<string, string>,
  options: Pick<StackOptions, 'processLog' | 'built' | 'acksFirst'>,
): Promise<ManagedProcess> {
  return startProcess({
    name: 'worker',
    ...program('worker/main', options.built),
    env,
    isBackground: options.acksFirst ?? false,
    readyWhen: { url: `http://127.0.0.1:${env.METRICS_PORT}/health/ready` },
    readyLimitMs: READY_LIMIT_MS,
    stopLimitMs: STOP_LIMIT_MS,
    ...(options.processLog && { log: options.processLog }),
  });
}

/** A program of ours: its source, run by tsx, or what was built of it. */
function program(path: string, built = false): Pick<ProcessOptions, 'run' | 'args'> {
  return built
    ? { run: { command: process.execPath }, args: ['--enable-source-maps', `dist/${path}.js`] }
    : { run: { script: `${path}.ts` } };
}
