import fc from 'fast-check';
import { expect, test } from 'vitest';
import { datesOf } from '../../activities/dunning-calendar.ts';
import { DEFAULT_DUNNING_POLICY_SOURCE, readDunningPolicy } from '../../domain/dunning-policy.ts';
import { datesInUtc } from '../../domain/dunning-situation.ts';
import { seeded } from '../convergence/history.ts';

const policy = readDunningPolicy(DEFAULT_DUNNING_POLICY_SOURCE);
const MONTHLY = readDunningPolicy({
  version: 'months',
  stages: [
    { name: 'told', after: 'PT0S', state: 'retrying', notice: 'payment_failed' },
    { name: 'later', after: 'P1M', state: 'grace', notice: 'final_notice' },
    { name: 'end', after: 'P2MT30M', state: 'written_off', effect: 'write_off' },
  ],
});

test('dates by UTC are those of the calendar for a tenant in UTC without quiet times, whatever the day', () => {
  const lists = [policy, ...policy.variants, MONTHLY].map(({ stages }) => stages);
  const anchors = fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true });
  const extensions = fc.integer({ min: 0, max: 365 });
  fc.assert(
    fc.property(fc.constantFrom(...lists), anchors, extensions, (stages, anchor, extendedDays) => {
      const undated = { stages, anchor, extendedDays };
      expect(datesInUtc(undated).stages).toEqual(
        datesOf({ ...undated, timeZone: 'UTC', quietTimes: {} }).stages,
      );
    }),
    seeded(1_000),
  );
});
