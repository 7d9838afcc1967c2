import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dunning-preview-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs the preview as npm does. */
function preview(...flags: string[]): Promise<{ code: unknown; out: string; err: string }> {
  const args = ['--import', 'tsx', 'worker/dunning-preview.ts', ...flags];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, out, err) => resolve({ code: error?.code ?? 0, out, err }));
  });
}

async function policyFile(name: string, policy: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof policy === 'string' ? policy : JSON.stringify(policy));
  return path;
}

/** The table's rows as cells. */
function rowsOf(out: string): string[][] {
  const [, table = ''] = out.split('\n\n');
  return table
    .trim()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
}

test('without a policy the built-in one is shown, with when each effect comes and which notice announces it', async () => {
  const { code, out } = await preview('--anchor', '2026-10-20T09:00', '--time-zone', 'Europe/Berlin');
  expect(code).toBe(0);
  expect(out).toContain('Policy built-in-1, its own stages, no variant\n');
  expect(out).toContain('$49.00, charged and declined (try_later) since Tue 2026-10-20 09:00, Europe/Berlin');
  const rows = rowsOf(out);
  expect(rows[1]).toEqual([
    'payment-failed',
    'Tue 2026-10-20 09:00',
    'at once',
    'retrying',
    'payment_failed',
  ]);
  // Clocks were set back on October 25, and nine o'clock is nine o'clock.
  expect(rows).toContainEqual([
    'restriction',
    'Tue 2026-11-03 09:00',
    '14 days',
    'restricted',
    'restricted',
    'restrict',
    'final-notice, 7 days before',
  ]);
  expect(rows.at(-1)).toEqual([
    'write-off',
    'Mon 2027-01-18 09:00',
    '90 days',
    'written_off',
    'write_off',
    'write-off-notice, 14 days before',
  ]);
});

test.each([
  [['--amount', '499'], 'small-amount'],
  [['--amount', '499', '--currency', 'eur'], 'small-amount'],
  [['--collection', 'send_invoice'], 'sent-invoice'],
  [['--decline', 'authenticate'], 'authentication'],
  [['--decline', 'new_card'], 'new-card'],
])('%j: the variant that applies is named', async (flags, variant) => {
  const { out } = await preview(...flags);
  expect(out).toContain(`Policy built-in-1, variant ${variant}\n`);
});

const OWN = {
  version: 'own',
  time_zone: 'America/New_York',
  quiet_hours: { from: '20:00', to: '08:00' },
  weekdays: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'],
  stages: [
    { name: 'told', after: 'PT12H', state: 'retrying', notice: 'payment_failed' },
    { name: 'end', after: 'P2D', state: 'canceled', effect: 'cancel' },
  ],
  variants: [
    {
      name: 'enterprise',
      when: { plans: ['enterprise'] },
      stages: [
        { name: 'asked', after: 'PT30S', state: 'action_required', notice: 'reminder' },
        { name: 'given-up', after: 'P1Y', state: 'written_off', effect: 'write_off' },
      ],
    },
  ],
};

test('quiet times move notices and effects, and an effect keeps its full time after its notice', async () => {
  const file = await policyFile('own.json', OWN);
  // Wednesday, ten in the morning: the notice would come at ten in the evening.
  const { out } = await preview('--policy', file, '--anchor', '2026-11-04T10:00');
  expect(out).toContain('Nothing is told or done from 20:00 to 08:00\n');
  expect(out).toContain('only on monday, tuesday, wednesday, thursday, friday\n');
  expect(rowsOf(out).slice(1)).toEqual([
    ['told', 'Thu 2026-11-05 08:00', '22 hours', 'retrying', 'payment_failed'],
    // A day and a half later is Friday evening, so it is Monday.
    ['end', 'Mon 2026-11-09 08:00', '4 days, 22 hours', 'canceled', 'cancel', 'told, 4 days before'],
  ]);
});

test('a plan chooses its variant, and seconds are shown where there are any', async () => {
  const file = await policyFile('plan.json', OWN);
  const { out } = await preview(
    '--policy',
    file,
    '--plan',
    'enterprise',
    '--time-zone',
    'UTC',
    '--anchor',
    '2026-11-04T10:00Z',
  );
  expect(out).toContain('Policy own, variant enterprise\n');
  expect(rowsOf(out)[1]?.slice(0, 3)).toEqual(['asked', 'Wed 2026-11-04 10:00:30', '30 seconds']);
});

test('a policy that is refused is told fault by fault, each on its line, with exit code 1', async () => {
  const file = await policyFile('refused.json', {
    version: 'refused',
    stages: [
      { name: 'late', after: 'P3D', state: 'retrying' },
      { name: 'early', after: 'P1D', state: 'restricted', effect: 'restrict' },
    ],
  });
  expect(await preview('--policy', file)).toEqual({
    code: 1,
    out: '',
    err: [
      'The dunning policy is not usable:',
      '  stage "early" comes before "late", which stands above it',
      '  stage "early" has the effect restrict without a notice in an earlier stage',
      '  stage "early" is the last one and ends nothing: it needs the effect cancel or write_off',
      '',
    ].join('\n'),
  });
});

test('a file that is no JSON, or not there, is told with exit code 1', async () => {
  const broken = await preview('--policy', await policyFile('broken.json', '{'));
  const missing = await preview('--policy', join(folder, 'missing.json'));
  expect([broken.code, missing.code]).toEqual([1, 1]);
  expect(broken.err).toContain('broken.json can’t be read');
  expect(missing.err).toContain('missing.json can’t be read');
});

test.each([
  [['--polici', 'x.json'], "Unknown option '--polici'"],
  [['--time-zone', 'Europe/Atlantis'], '--time-zone: must be a time zone'],
  [['--anchor', 'yesterday'], '--anchor: must be a time'],
  [['--amount', '49.5'], '--amount: '],
  [['--currency', 'EUR'], '--currency: must be a currency'],
  [['--decline', 'bad_luck'], '--decline: '],
  [['--collection', 'send_invoice', '--decline', 'new_card'], '--decline: is nothing'],
])('%j: wrong usage is told with the usage and exit code 2', async (flags, fault) => {
  const { code, out, err } = await preview(...flags);
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain(fault);
  expect(err).toContain('Usage: npm run dunning:preview');
});
