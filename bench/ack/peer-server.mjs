// The peer as its documentation shows it, behind a Fastify route: raw body, signature, upsert, then 200.
import { createRequire } from 'node:module';
import fastify from 'fastify';

// Its CommonJS form: the other one does not find its migrations (it asks for __dirname) and says nothing about it.
const { runMigrations, StripeSync } = createRequire(import.meta.url)('@supabase/stripe-sync-engine');

const [port, databaseUrl, secret] = process.argv.slice(2);
await runMigrations({ databaseUrl, schema: 'stripe' });
const sync = new StripeSync({
  poolConfig: { connectionString: databaseUrl, max: 10 },
  stripeSecretKey: 'sk_test_benchmark',
  stripeWebhookSecret: secret,
});
const app = fastify();
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
app.post('/webhooks/stripe', async (request, reply) => {
  await sync.processWebhook(request.body, request.headers['stripe-signature']);
  return reply.send({ received: true });
});
await app.listen({ host: '127.0.0.1', port: Number(port) });
process.stdout.write('listening\n');
