import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { z } from 'zod';
import type { Database } from './connect.ts';

export const MIGRATIONS_FOLDER = fileURLToPath(new URL('./migrations', import.meta.url));

const journalSchema = z.object({ entries: z.array(z.object({ when: z.int(), tag: z.string() })) });

export type MigrationState = {
  /** Names of those that this version has and the database doesn't. */
  missing: string[];
  /** How many the database has that this version doesn't know: it was set up by a newer one. */
  unknown: number;
  /** Names of those that were applied with another text than this version has. */
  changed: string[];
};

/** Holds what drizzle has applied against the migrations of this version. */
export async function migrationState(database: Database): Promise<MigrationState> {
  const applied = await appliedMigrations(database);
  const known = await ownMigrations();
  return {
    missing: known.filter(({ when }) => !applied.has(when)).map(({ tag }) => tag),
    unknown: [...applied.keys()].filter((when) => !known.some((own) => own.when === when)).length,
    changed: known
      .filter(({ when, hash }) => applied.has(when) && applied.get(when) !== hash)
      .map(({ tag }) => tag),
  };
}

/** Hashes by the time that the journal gives each migration, which is its key. */
async function appliedMigrations(database: Database): Promise<Map<number, string>> {
  const { rows: tables } = await database.execute<{ name: string | null }>(
    sql`select to_regclass('drizzle.__drizzle_migrations')::text as name`,
  );
  if (tables[0]?.name == null) return new Map();
  const { rows } = await database.execute<{ when: string; hash: string }>(
    sql`select created_at as when, hash from drizzle.__drizzle_migrations`,
  );
  return new Map(rows.map(({ when, hash }) => [Number(when), hash]));
}

async function ownMigrations(): Promise<{ when: number; tag: string; hash: string }[]> {
  const text = await readFile(join(MIGRATIONS_FOLDER, 'meta', '_journal.json'), 'utf8');
  const { entries } = journalSchema.parse(JSON.parse(text));
  // Of the same journal, in the same order.
  const files = readMigrationFiles({ migrationsFolder: MIGRATIONS_FOLDER });
  return entries.map(({ when, tag }, index) => ({ when, tag, hash: files[index]?.hash ?? '' }));
}
