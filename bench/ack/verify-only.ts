import pino from 'pino';
import { prepareWebhookKeys } from '../../stripe/signature.ts';
import { buildApp } from '../../webhook-gateway/app.ts';
import { createGatewayMetrics } from '../../webhook-gateway/metrics.ts';

/** Our own gateway with an inbox that stores nothing: what the ack path costs without its commit. */
const [port = '', secret = ''] = process.argv.slice(2);
const metrics = createGatewayMetrics();
const refuse = () => Promise.reject(new Error('this gateway only verifies'));
const app = buildApp({
  webhookKeys: prepareWebhookKeys({ snapshot: [secret], thin: [] }),
  livemode: false,
  checkoutApiKeys: [],
  inbox: { store: () => Promise.resolve({ outcome: 'duplicate' }) },
  waker: { notice: () => undefined },
  tenancy: { startCheckout: refuse, describe: refuse, progressOf: refuse, resultOf: refuse },
  findCheckoutTenant: refuse,
  pings: { postgres: refuse, temporal: refuse },
  metrics,
  log: pino({ level: 'error' }),
  nowMs: Date.now,
});
await app.listen({ host: '127.0.0.1', port: Number(port) });
process.stdout.write('listening\n');
