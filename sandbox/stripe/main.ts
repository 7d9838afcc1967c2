import { startStripeSimulator } from './simulator.ts';
import { addEndpoint } from './start-endpoint.ts';

const defaultPort = 12_111;

const port = Number(process.env.STRIPE_SIMULATOR_PORT ?? defaultPort);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error('STRIPE_SIMULATOR_PORT must be a port number, 0 to 65535.');
  process.exit(1);
}

const host = process.env.STRIPE_SIMULATOR_HOST ?? '127.0.0.1';
const simulator = await startStripeSimulator({ port, host }).catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  console.error(`The Stripe simulator can't start: ${reason}. STRIPE_SIMULATOR_PORT takes another port.`);
  process.exit(1);
});
const stop = (): void => void simulator.close();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);

const { url } = simulator;
console.log(`Stripe simulator: ${url}

  For tenantry:      STRIPE_API_BASE=${url} STRIPE_SECRET_KEY=sk_test_anything
  For stripe-node:   new Stripe('sk_test_anything', { host: '${simulator.host}', port: ${simulator.port}, protocol: 'http' })
  With curl:         curl ${url}/v1/customers -u sk_test_anything: -d email=ada@example.com

Open ${url}/ to see objects, requests, events and deliveries. Everything is in memory; Ctrl-C stops it.`);

const webhookUrl = process.env.STRIPE_SIMULATOR_WEBHOOK_URL ?? '';
if (webhookUrl === '') {
  console.log(`Webhooks: start with STRIPE_SIMULATOR_WEBHOOK_URL=http://127.0.0.1:3000/webhooks/stripe, or make an endpoint
through the API, as at Stripe.`);
} else {
  try {
    const secret = await addEndpoint(url, webhookUrl);
    console.log(`Webhooks: every event goes to ${webhookUrl}, signed with a secret that is the same at every start.

  STRIPE_WEBHOOK_SECRET=${secret}
`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
    stop();
  }
}
