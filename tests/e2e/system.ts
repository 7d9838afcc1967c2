import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { afterAll, afterEach } from 'vitest';
import { createTenancyClient, type TenancyClient } from '../../client/tenancy-client.ts';
import { waitUntil } from '../../sandbox/processes/wait-until.ts';
import { type Stack, startStack } from '../../sandbox/stack.ts';

/** The design's own limit: within 120 s of an outage's end every row is final. */
export const PATIENCE_MS = 120_000;

export type System = Stack & {
  client: Client;
  tenancy: TenancyClient;
  /** Where Postgres and Temporal keep theirs. */
  dataDirectory: string;
  query: <Row extends pg.QueryResultRow>(sql: string, values?: unknown[]) => Promise<Row[]>;
  /** A paid purchase as the store makes it. */
  buy: (licenses: number) => Promise<Purchase>;
  checkOut: (body: object, key?: string) => Promise<Response>;
};

export type Purchase = {
  email: string;
  client_name: string;
  stripe_customer_id: string;
  stripe_subscription_id: string;
  initial_license_count: number;
};

/**
 * The whole system as built, with real processes, for one test file; stopped after it.
 *
 * @param env variables of gateway and worker beside those of the stack
 */
export async function useSystem(env: Record<string, string> = {}): Promise<System> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'tenantry-e2e-'));
  const stack = await startStack({
    dataDirectory,
    built: true,
    durable: false,
    log: () => undefined,
    env: { LOG_LEVEL: 'warn', ...env },
  });
  const connection = await Connection.connect({ address: stack.temporal.address });
  const client = new Client({ connection, namespace: stack.temporal.namespace });
  const pool = new pg.Pool({ connectionString: stack.postgres.url, max: 3 });
  pool.on('error', () => undefined);
  afterEach(({ task }) => {
    if (task.result?.state !== 'fail') return;
    for (const part of [stack.gateway, stack.worker]) {
      process.stderr.write(
        `${[`Last lines of the ${part.name}:`, ...part.output().slice(-40)].join('\n  ')}\n`,
      );
    }
  });
  afterAll(async () => {
    await pool.end();
    await connection.close();
    await stack.close();
    await rm(dataDirectory, { recursive: true, force: true });
  });
  return {
    ...stack,
    client,
    dataDirectory,
    tenancy: createTenancyClient({ client }),
    query: async (sql, values) => (await pool.query(sql, values)).rows,
    buy: (licenses) => buy(stack, licenses),
    checkOut: (body, key = stack.checkoutApiKey) =>
      fetch(`${stack.gatewayUrl}/checkouts`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
  };
}

async function buy({ stripe, licensePriceId }: Stack, licenses: number): Promise<Purchase> {
  const email = `buyer-${crypto.randomUUID()}@example.com`;
  const client_name = 'Buyer';
  const customer = await stripe.customers.create({
    email,
    name: client_name,
    payment_method: 'pm_card_visa',
    invoice_settings: { default_payment_method: 'pm_card_visa' },
  });
  const items = [{ price: licensePriceId, quantity: licenses }];
  const subscription = await stripe.subscriptions.create({ customer: customer.id, items });
  return {
    email,
    client_name,
    stripe_customer_id: customer.id,
    stripe_subscription_id: subscription.id,
    initial_license_count: licenses,
  };
}

/** Resolves when the condition holds. */
export function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  return waitUntil({ what, check, limitMs: PATIENCE_MS });
}
