import pg from 'pg';

/** Opens a connection, lets it be used, and closes it. */
export async function withDatabase<Result>(
  url: string | undefined,
  use: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
