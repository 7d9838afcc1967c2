import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type Stripe from 'stripe';
import { onTestFinished } from 'vitest';
import type { Sandbox } from '../simulator-fixture.ts';

const PATIENCE_MS = 60_000;

/** A webhook, and where the test clock stood when it came. */
export interface Witnessed {
  readonly event: Stripe.Event;
  readonly frozenAt: number;
}

/**
 * Gets every webhook of an account, one after the other. Time does not go on before a webhook is answered, so each is
 * seen at the moment at which it happened.
 */
export async function startWitness({ control, stripe }: Sandbox, clock: string): Promise<Witnessed[]> {
  const witnessed: Witnessed[] = [];
  // A machine that stalls must not cost an attempt: time would go on before the next one.
  const server = createServer({ keepAliveTimeout: PATIENCE_MS }, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const event = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Stripe.Event;
    const { frozen_time: frozenAt } = await stripe.testHelpers.testClocks.retrieve(clock);
    witnessed.push({ event, frozenAt });
    response.writeHead(200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  await control.configureDeliveries({ concurrentMax: 1, timeoutMs: PATIENCE_MS });
  await stripe.webhookEndpoints.create({ url: `http://127.0.0.1:${port}/`, enabled_events: ['*'] });
  return witnessed;
}
