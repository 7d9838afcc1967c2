import fc from 'fast-check';
import { expect, test } from 'vitest';
import { useDatabase } from '../database.ts';
import { billingRows } from '../db/billing-rows.ts';
import { histories, playFollowed, seeded } from './history.ts';
import { Model } from './model.ts';
import { RealSync } from './real-sync.ts';

const HISTORIES = 200;
const LIMIT_MS = 600_000;

const database = await useDatabase();
const rows = billingRows(database);

test(
  'I1 I3 I4 the real sync on a real Postgres ends equal to Stripe, whatever the history',
  async () => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(histories, async (choices) => {
        number += 1;
        const model = new Model();
        const real = new RealSync({ database, model, suffix: `h${number}x` });
        for (const { name } of model.stripe) {
          await rows.tenantWithCustomer({ stripe_customer_id: real.nameOf(name) });
        }
        await playFollowed(model, choices, (move) => real.follow(move));
        await real.drain();
        expect(await real.differences()).toEqual([]);
      }),
      seeded(HISTORIES),
    );
  },
  LIMIT_MS,
);
