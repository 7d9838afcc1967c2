import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { formatMoney } from '../../activities/mail-formats.ts';
import { MAIL_EXAMPLES } from '../../activities/mail-template-examples.ts';
import { createMailRenderer } from '../../activities/mail-templates.ts';
import {
  DUNNING_NOTICE_KINDS,
  type DunningNoticePayload,
  NOTICE_KINDS,
  readNotice,
} from '../../domain/notification.ts';

const renderer = createMailRenderer();
const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

const charge: DunningNoticePayload = {
  client_name: 'Analytical Engines',
  amount: { minor: 49_000, currency: 'usd' },
  collection_method: 'charge_automatically',
  since: '2026-11-21T09:30:00Z',
  invoice_number: 'AE-0042',
  pay_url: 'https://pay.example.com/i/1?a=1&b=2',
  app_url: 'https://app.example.com',
  decline: 'try_later',
  retry_at: '2026-11-26T09:30:00Z',
  has_access: true,
  next: [{ at: '2026-12-05T09:30:00Z', effect: 'restrict' }],
  time_zone: 'UTC',
};
const reminder = (difference: Partial<DunningNoticePayload> = {}, locale = 'en') =>
  renderer.render({ kind: 'reminder', locale, data: { ...charge, ...difference } });

/** A folder with the given templates. */
async function templates(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tenantry-templates-'));
  folders.push(folder);
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  return folder;
}

describe.each(renderer.locales)('in %s', (locale) => {
  test.each(NOTICE_KINDS)('%s tells its examples in subject, text and HTML', async (kind) => {
    const examples = MAIL_EXAMPLES.filter((example) => example.kind === kind);
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const { subject, text, html } = await renderer.render({ ...example, locale });
      expect(subject).toMatch(/^\S.*Analytical Engines|^Analytical Engines.*\S$/);
      expect(text).toContain('Analytical Engines');
      expect(html).toContain(`<html lang="${locale}">`);
      expect(html).toContain('Analytical Engines');
      for (const part of [subject, text, html]) expect(part).not.toMatch(/undefined|null|NaN|\[object|[{}]/);
      expect(html).not.toMatch(/<img|<script|<link|src=|url\(/);
    }
  });

  test('every effect that is to come is told with its day', async () => {
    const next: DunningNoticePayload['next'] = [
      { at: '2026-12-05T09:30:00Z', effect: 'restrict' },
      { at: '2026-12-16T09:30:00Z', effect: 'suspend' },
      { at: '2027-01-17T09:30:00Z', effect: 'cancel' },
      { at: '2027-02-18T09:30:00Z', effect: 'write_off' },
    ];
    const said = await Promise.all(next.map(async (stage) => lineWith(stage, locale)));
    expect(new Set(said.map((line) => line.replace(/^.*: /, ''))).size).toBe(next.length);
    for (const kind of DUNNING_NOTICE_KINDS.filter((each) => each !== 'receipt')) {
      const { text, html } = await renderer.render({ kind, locale, data: { ...charge, next } });
      for (const line of said) {
        expect(text).toContain(`- ${line}`);
        expect(html.replaceAll(/<[^>]*>/g, '')).toContain(line);
      }
    }
  });

  test('a payment that the bank wants confirmed is told otherwise than all others, and no retry is promised', async () => {
    const mails = await Promise.all(
      (['try_later', 'new_card', 'authenticate'] as const).map((decline) =>
        renderer.render({ kind: 'payment_failed', locale, data: { ...charge, decline } }),
      ),
    );
    const [later, card, confirm] = mails;
    expect(new Set(mails.map(({ text }) => text)).size).toBe(3);
    expect(confirm?.subject).not.toBe(later?.subject);
    expect(confirm?.subject).not.toBe(card?.subject);
    const tellsRetry = mails.map(({ text }) => /\b26\b/.test(text));
    expect(tellsRetry).toEqual([true, false, false]);
  });
});

/** What a reminder of one stage says about it. */
async function lineWith(stage: DunningNoticePayload['next'][number], locale: string): Promise<string> {
  const { text } = await reminder({ next: [stage] }, locale);
  return /^- (.*)$/m.exec(text)?.[1] ?? 'none';
}

test.each([
  ['en', 49_000, 'usd', '$490.00'],
  ['en', 49_001, 'usd', '$490.01'],
  ['de', 49_000, 'eur', '490,00 €'],
  ['de-AT', 123_456_789, 'eur', '€ 1.234.567,89'],
  ['en', 49_000, 'jpy', '¥49,000'],
  ['en', 5_120, 'kwd', 'KWD 5.120'],
  ['en', 100, 'clp', 'CLP 100'],
  // Stripe counts hundredths that nobody writes.
  ['en', 104_500, 'huf', 'HUF 1,045'],
  ['en', 1_045, 'huf', 'HUF 10.45'],
  ['en', 500, 'isk', 'ISK 5'],
  ['en', 500, 'ugx', 'UGX 5'],
  // As a quotient it would end in .90.
  ['en', Number.MAX_SAFE_INTEGER, 'usd', '$90,071,992,547,409.91'],
  ['en', 0, 'usd', '$0.00'],
])('in %s %i of %s are %s', (locale, minor, currency, written) => {
  expect(formatMoney({ minor, currency }, locale).replaceAll(/\s/g, ' ')).toBe(written);
});

test('a name is text in HTML, whatever it holds, and itself in the text', async () => {
  const { html, text, subject } = await reminder({ client_name: `<script>alert("x")</script> & 'Co'` });
  expect(html).not.toContain('<script>');
  expect(html).toContain('&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt; &amp; &#39;Co&#39;');
  expect(text).toContain(`<script>alert("x")</script> & 'Co'`);
  expect(subject).toContain(`<script>alert("x")</script> & 'Co'`);
});

test.each(['\r\n', '\n', '\u0085', '\u2028', '\u0000', '\u202e', '\ud800'])(
  'a name with %j begins no line, no header and no other direction of writing',
  async (control) => {
    const { subject, text } = await reminder({ client_name: `Ada${control}Bcc: eve@example.com` });
    expect(subject).toContain('Ada Bcc: eve@example.com');
    expect(text).toContain('Ada Bcc: eve@example.com');
    expect(`${subject}${text}${text}`).not.toMatch(/[^\P{Cc}\n]|[\p{Cs}\u2028\u202e]/u);
  },
);

test.each(['A', '😀'])(
  'a subject of a name of many %s is cut at 200 and no character is halved',
  async (one) => {
    const { subject } = await reminder({ client_name: one.repeat(300) });
    expect(subject.length).toBeLessThanOrEqual(200);
    expect(subject).toMatch(/…$/);
    expect(subject).not.toMatch(/\p{Cs}/u);
  },
);

test.each(['javascript:alert(1)', 'data:text/html,x', 'mailto:eve@example.com', 'no address', ''])(
  'what is no link to the web is left out: %s',
  async (url) => {
    const { html, text } = await reminder({ pay_url: url, app_url: url });
    expect(html).not.toContain('href');
    if (url !== '') expect(html + text).not.toContain(url);
  },
);

test('without a page to pay on, the mail leads to the product', async () => {
  const { html, text } = await reminder({ pay_url: null });
  expect(html).toContain('href="https://app.example.com/"');
  expect(text).toContain('sign in here:\nhttps://app.example.com/');
});

test('a link with several parameters is one link', async () => {
  const { html, text } = await reminder();
  expect(html).toContain('href="https://pay.example.com/i/1?a=1&amp;b=2"');
  expect(text).toContain('\nhttps://pay.example.com/i/1?a=1&b=2\n');
});

test('the day is that of the reader’s time zone; a zone that is not known counts as UTC', async () => {
  const since = '2026-11-21T23:30:00Z';
  expect((await reminder({ since, time_zone: 'Asia/Tokyo' })).text).toContain('November 22, 2026');
  expect((await reminder({ since, time_zone: 'Nowhere/Land' })).text).toContain('November 21, 2026');
});

test('times of day are told when stages are shorter than two days, and only then', async () => {
  const at = (instant: string) => reminder({ next: [{ at: instant, effect: 'restrict' }] });
  expect((await at('2026-11-21T09:30:20Z')).text).toMatch(/November 21, 2026 at 9:30\sAM UTC: /);
  expect((await at('2026-11-23T09:30:00Z')).text).toContain('November 23, 2026: ');
});

test.each([
  ['de-AT', 'Erinnerung: '],
  ['DE', 'Erinnerung: '],
  ['de-u-nu-arab', 'Erinnerung: '],
  ['en-GB', 'Reminder: '],
  ['fr', 'Reminder: '],
  ['', 'Reminder: '],
  ['no locale!', 'Reminder: '],
  ['../de', 'Reminder: '],
])('a reader of %j gets the closest language', async (locale, beginning) => {
  expect((await reminder({}, locale)).subject.startsWith(beginning)).toBe(true);
});

test('dates are written as the reader’s country does, but never in another language than the mail', async () => {
  expect((await reminder({}, 'en-GB')).text).toContain('since 21 November 2026.');
  expect((await reminder({}, 'fr')).text).toContain('since November 21, 2026.');
});

describe('templates of one’s own', () => {
  const html = '<p>{{ subject }}</p>';

  test('one file alone is replaced; its HTML and all other mails stay', async () => {
    const overrides = await templates({ 'en/reminder.txt.liquid': 'Hey {{ client_name }}\n\nPay!\n' });
    const own = createMailRenderer({ overrides });
    const mail = { kind: 'reminder', locale: 'en', data: charge } as const;
    expect(await own.render(mail)).toMatchObject({ subject: 'Hey Analytical Engines', text: 'Pay!\n' });
    expect((await own.render(mail)).html).toContain('has been open since');
    expect(await own.render({ ...mail, locale: 'de' })).toEqual(await reminder({}, 'de'));
    expect(await own.render({ ...mail, kind: 'suspended' })).toEqual(
      await renderer.render({ ...mail, kind: 'suspended' }),
    );
  });

  test('a folder may be a link, as mounted ones are', async () => {
    const target = await templates({ 'reminder.txt.liquid': 'Rappel\n\nT\n', 'reminder.html.liquid': html });
    const overrides = await templates({});
    await symlink(target, join(overrides, 'fr'));
    const own = createMailRenderer({ overrides });
    expect((await own.render({ kind: 'reminder', locale: 'fr', data: charge })).subject).toBe('Rappel');
  });

  test('a part or the layout that is replaced is so in every mail that has it', async () => {
    const overrides = await templates({
      'layout.html.liquid': 'MINE {% block content %}{% endblock %}',
      'de/parts/meanwhile.liquid': 'Danke.',
    });
    const own = createMailRenderer({ overrides });
    for (const locale of ['en', 'de']) {
      const mail = await own.render({ kind: 'reminder', locale, data: charge });
      expect(mail.html).toMatch(/^MINE /);
      expect(mail.text.includes('Danke.')).toBe(locale === 'de');
    }
  });

  test('a new language begins with one mail; a wider language serves where the narrow one has none', async () => {
    const overrides = await templates({
      'pt/reminder.txt.liquid': 'Lembrete\n\n{{ amount | money }}\n',
      'pt/reminder.html.liquid': html,
      'pt-BR/restricted.txt.liquid': 'Acesso\n\n{% render "parts/next.txt.liquid" %}.\n',
      'pt-BR/restricted.html.liquid': html,
    });
    const own = createMailRenderer({ overrides });
    const subjectOf = async (kind: 'reminder' | 'restricted' | 'suspended', locale: string) =>
      (await own.render({ kind, locale, data: charge })).subject;
    expect(own.locales).toEqual(['de', 'en', 'pt', 'pt-BR']);
    expect(await subjectOf('restricted', 'pt-BR')).toBe('Acesso');
    expect(await subjectOf('reminder', 'pt-BR')).toBe('Lembrete');
    expect(await subjectOf('restricted', 'pt')).toContain('Access is restricted');
    expect(await subjectOf('suspended', 'pt-BR')).toContain('Access is suspended');
  });

  test.each([
    ['a tag that is not closed', 'S\n\n{% if amount %}\n', /en\/reminder\.txt\.liquid, line:3/],
    [
      'a name that nobody gives',
      'S\n\nText\n{{ nobody }}\n',
      /nobody, line:4, .*file:.*en\/reminder\.txt\.liquid/,
    ],
    [
      'a name inside of a condition',
      'S\n\n{% if pay_url == nil %}{{ x }}{% endif %}\n',
      /undefined variable: x/,
    ],
    ['a filter that there isn’t', 'S\n\n{{ amount | cash }}\n', /cash.*en\/reminder\.txt\.liquid, line:3/],
    ['a filter for something else', 'S\n\n{{ client_name | money }}\n', /money needs an amount.*line:3/],
    ['a part that there isn’t', 'S\n\n{% render "parts/x.liquid" %}\n', /parts\/x\.liquid.*line:3/],
    ['a file of the server', 'S\n\n{% render "/etc/hostname" %}\n', /hostname.*line:3/],
    ['no subject', '\n\nText\n', /first line of reminder\.txt\.liquid must be the subject/],
    ['no line between', 'S\nText\n', /second line of reminder\.txt\.liquid must be empty/],
    ['a list without end', 'S\n\n{% for i in (1..1000000000) %}x{% endfor %}\n', /memory.*line:3/],
  ])('%s is found before any mail is due, and where it stands', async (_, text, message) => {
    const overrides = await templates({ 'en/reminder.txt.liquid': text });
    expect(() => createMailRenderer({ overrides })).toThrow(message);
  });

  test.each([
    [{ 'en/remainder.txt.liquid': 'S\n\nT\n' }, /en\/remainder\.txt\.liquid is the template of no mail/],
    [{ 'reminder.txt.liquid': 'S\n\nT\n' }, /reminder\.txt\.liquid is used by no mail/],
    [{ 'pt_BR/reminder.txt.liquid': 'S\n\nT\n' }, /pt_BR is no locale/],
    [{ 'pt-br/reminder.txt.liquid': 'S\n\nT\n' }, /pt-br must be called pt-BR/],
    [{ 'fr/reminder.txt.liquid': 'S\n\nT\n' }, /needs fr\/reminder\.html\.liquid beside it/],
  ])('what would never be used is refused: %j', async (files, message) => {
    const overrides = await templates(files);
    expect(() => createMailRenderer({ overrides })).toThrow(message);
  });

  test('a folder that there isn’t is named', () => {
    expect(() => createMailRenderer({ overrides: '/nowhere/templates' })).toThrow('/nowhere/templates');
  });
});

test.each([
  ['an unknown kind', { kind: 'greeting', data: charge }, 'no such kind'],
  [
    'an amount with a fraction',
    { kind: 'reminder', data: { ...charge, amount: { minor: 0.5, currency: 'usd' } } },
    'amount.minor',
  ],
  ['a time that is none', { kind: 'reminder', data: { ...charge, since: 'SECRET' } }, 'since'],
  [
    'an invitation to elsewhere',
    { kind: 'invitation', data: { client_name: 'SECRET', link: 'javascript:SECRET', lifetime_days: 7 } },
    'link',
  ],
])('I9 what is not the payload of a notice is refused without its values: %s', (_, notice, named) => {
  const read = () => readNotice(notice);
  expect(read).toThrow(named);
  expect(read).toThrow(
    expect.objectContaining({ name: 'InvalidInput', message: expect.not.stringContaining('SECRET') }),
  );
});
