import fastify from 'fastify';

/** What the simulator is compared with: the same server without a simulator in it. `bare-server.ts <port>` */
const app = fastify();
app.addContentTypeParser(
  'application/x-www-form-urlencoded',
  { parseAs: 'string' },
  async (_request: unknown, body: string) => body,
);
app.get('/', () => ({ object: 'bare' }));
app.post('/', () => ({ object: 'bare' }));
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
