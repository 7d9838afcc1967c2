import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll } from 'vitest';
import { createGateway } from '../../webhook-gateway/gateway.ts';
import { SNAPSHOT_SECRET, THIN_SECRET } from './fake-gateway.ts';

/** A second snapshot secret, as it stands beside the first during a rotation. */
export const ROTATED_SECRET = 'whsec_rotated';
const NOBODY = '127.0.0.1:1';

export type ListeningGateway = {
  port: number;
  /** How many it holds now. */
  connections: () => Promise<number>;
};

/** The gateway as its process builds it, on a real socket and a real Postgres; Temporal is away. Closed after the file. */
export async function useListeningGateway(databaseUrl: string): Promise<ListeningGateway> {
  const { app, close } = createGateway(
    {
      databaseUrl,
      temporal: { connectionOptions: { address: NOBODY } },
      taskQueue: 'test',
      stripeSecretKey: 'sk_test_1',
      webhookSecrets: { snapshot: [SNAPSHOT_SECRET, ROTATED_SECRET], thin: [THIN_SECRET] },
      checkoutApiKeys: ['store-key-0123456789'],
    },
    pino({ level: 'silent' }),
  );
  afterAll(close);
  await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    port: (app.server.address() as AddressInfo).port,
    connections: promisify(app.server.getConnections.bind(app.server)),
  };
}
