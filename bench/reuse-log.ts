import { withClient } from '../sandbox/postgres/with-client.ts';

/**
 * Brings Postgres into the state of one that has run for a while: after a checkpoint it writes into the segments of its log
 * that were filled before. A new one makes each segment, 16 MiB of zeros, which holds up every commit for about 40 ms.
 */
export async function reuseLog(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, (client) => client.query('checkpoint'));
}
