import { startStripeSimulator } from './simulator.ts';

const defaultPort = 12_111;

const port = Number(process.env.STRIPE_SIMULATOR_PORT ?? defaultPort);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error('STRIPE_SIMULATOR_PORT must be a port number, 0 to 65535.');
  process.exit(1);
}

const simulator = await startStripeSimulator({
  port,
  host: process.env.STRIPE_SIMULATOR_HOST ?? '127.0.0.1',
});
console.log(`Stripe simulator: ${simulator.url}
  STRIPE_API_BASE=${simulator.url}
  STRIPE_SECRET_KEY=sk_test_anything
Open ${simulator.url}/ to see requests, events and webhook deliveries. Ctrl-C stops it.`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void simulator.close();
  });
}
