import { expect, test } from 'vitest';
import { moveCursor, reconcileFigures } from '../../db/reconcile.ts';
import { MASTER_BILLING_TENANT_ID, useDatabase } from '../database.ts';

const { database, pool } = await useDatabase();
const HOUR_MS = 3_600_000;

async function ageOf(half: string): Promise<number | undefined> {
  const { ages } = await reconcileFigures(database, MASTER_BILLING_TENANT_ID);
  return ages.find((each) => each.half === half)?.ageMs;
}

test('a half that never ran has waited since the installation, the other since it looked last', async () => {
  await pool.query("update tenants set created_at = now() - interval '5 hours' where tenant = $1", [
    MASTER_BILLING_TENANT_ID,
  ]);
  await moveCursor(database, { name: 'events', readUntil: new Date(Date.now() - HOUR_MS) });
  expect(Math.round(((await ageOf('events')) ?? 0) / HOUR_MS)).toBe(1);
  expect(Math.round(((await ageOf('billing')) ?? 0) / HOUR_MS)).toBe(5);
});

test('before there is an installation nothing is told', async () => {
  const { ages } = await reconcileFigures(database, '00000000-0000-4000-8000-00000000ffff');
  expect(ages).toEqual([]);
});

test('drift that stands is counted, repaired one is not', async () => {
  await pool.query(
    `insert into billing_drift (kind, subject, field, found_by, last_seen_by, repaired_at, repair)
     values ('invoice', 'in_1', 'status', 'a run', 'a run', null, null),
            ('invoice', 'in_2', 'status', 'a run', 'a run', now(), 'billing_sync')`,
  );
  const { openDrift } = await reconcileFigures(database, MASTER_BILLING_TENANT_ID);
  expect(openDrift).toEqual([{ kind: 'invoice', rows: 1 }]);
});
