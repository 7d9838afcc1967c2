import { setUpDatabase } from '../../db/migrate.ts';
import { freePort } from '../../sandbox/processes/free-port.ts';
import {
  type ManagedProcess,
  type ProcessOptions,
  startProcess,
} from '../../sandbox/processes/start-process.ts';

export const SECRET = 'whsec_benchmark';
const MASTER_BILLING_TENANT_ID = '00000000-0000-4000-8000-000000000001';

/** A process that takes webhooks. */
export type WebhookServer = { url: string; process: ManagedProcess };

/** Our gateway alone: there is no Temporal where it looks for one, so its wakes fail and are left to the sweep. */
export async function startGatewayAlone(databaseUrl: string): Promise<WebhookServer> {
  await setUpDatabase({ url: databaseUrl, masterBillingTenantId: MASTER_BILLING_TENANT_ID });
  const port = await freePort();
  const gateway = await startProcess({
    name: 'gateway',
    run: { script: 'webhook-gateway/server.ts' },
    env: {
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
      STRIPE_SECRET_KEY: 'sk_test_benchmark',
      STRIPE_WEBHOOK_SECRET: SECRET,
      MASTER_BILLING_TENANT_ID,
      APP_URL: 'https://app.example.com',
      CHECKOUT_API_KEYS: 'benchmark-checkout-key',
      HOST: '127.0.0.1',
      PORT: String(port),
      LOG_LEVEL: 'silent',
    },
    readyWhen: { url: `http://127.0.0.1:${port}/health/live` },
  });
  return { url: webhookUrl(port), process: gateway };
}

/** Our gateway with an inbox that stores nothing. */
export function startVerifyOnly(): Promise<WebhookServer> {
  return startListener('verify-only', (port) => ({
    run: { script: 'bench/ack/verify-only.ts' },
    args: [port, SECRET],
  }));
}

/** The peer, with its own tables in this database. */
export function startPeer(databaseUrl: string): Promise<WebhookServer> {
  return startListener('peer', (port) => ({
    run: { command: process.execPath },
    args: ['bench/ack/peer-server.mjs', port, databaseUrl, SECRET],
  }));
}

async function startListener(
  name: string,
  program: (port: string) => Pick<ProcessOptions, 'run' | 'args'>,
): Promise<WebhookServer> {
  const port = await freePort();
  const server = await startProcess({
    name,
    ...program(String(port)),
    readyWhen: { line: (line) => line === 'listening' },
  });
  return { url: webhookUrl(port), process: server };
}

function webhookUrl(port: number): string {
  return `http://127.0.0.1:${port}/webhooks/stripe`;
}
