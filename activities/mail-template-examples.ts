import {
  type DunningNoticeKind,
  type DunningNoticePayload,
  INVITATION_LIFETIME_DAYS,
  type Notice,
} from '../domain/notification.ts';

/** A notice beside a name that says what is special about it. */
export type MailExample = Notice & { name: string };

const ACCOUNT = {
  client_name: 'Analytical Engines',
  app_url: 'https://app.example.com/',
  time_zone: 'Europe/London',
};

/** When each effect of the examples comes, counted from a first failure on November 21. */
const EFFECT_AT = {
  restrict: '2026-12-05T09:30:00Z',
  suspend: '2026-12-21T09:30:00Z',
  cancel: '2027-01-20T09:30:00Z',
  write_off: '2027-02-19T09:30:00Z',
} as const;

const CHARGE: DunningNoticePayload = {
  ...ACCOUNT,
  amount: { minor: 49_000, currency: 'usd' },
  collection_method: 'charge_automatically',
  since: '2026-11-21T09:30:00Z',
  invoice_number: 'AE-0042',
  pay_url: 'https://invoice.example.com/i/acct_1/live_42',
  decline: 'try_later',
  retry_at: '2026-11-26T09:30:00Z',
  has_access: true,
  next: [],
};

/** What makes one invoice's mails differ from another's. */
const CASES: Readonly<Record<string, Partial<DunningNoticePayload>>> = {
  'is tried again': {},
  'for no known reason': { decline: null, retry_at: null, invoice_number: null },
  'another card is needed': { decline: 'new_card' },
  'the bank asks for a confirmation': { decline: 'authenticate' },
  'a sent invoice': { collection_method: 'send_invoice', decline: null, retry_at: null },
  'without a link': { pay_url: null, amount: { minor: 49_000, currency: 'jpy' } },
  'without any link': { pay_url: null, app_url: 'none', amount: { minor: 49_000, currency: 'kwd' } },
  'nothing comes after it': { next: [] },
  'something is withheld': { has_access: false },
};

/** What every template has to be able to tell before a worker starts, and what the preview shows. */
export const MAIL_EXAMPLES: readonly MailExample[] = [
  ...inAllCases('payment_failed', ['restrict', 'suspend', 'write_off']),
  ...inAllCases('reminder', ['restrict', 'suspend', 'write_off']),
  ...inAllCases('final_notice', ['restrict', 'suspend', 'write_off']),
  {
    kind: 'final_notice',
    name: 'before the suspension',
    data: { ...CHARGE, next: next(['suspend', 'cancel']) },
  },
  { kind: 'final_notice', name: 'before the end', data: { ...CHARGE, next: next(['cancel', 'write_off']) } },
  { kind: 'final_notice', name: 'before the write-off', data: { ...CHARGE, next: next(['write_off']) } },
  {
    kind: 'final_notice',
    name: 'stages of minutes',
    data: {
      ...CHARGE,
      since: '2026-12-05T09:27:00Z',
      retry_at: '2026-12-05T09:29:00Z',
      next: next(['restrict']),
    },
  },
  ...inAllCases('restricted', ['suspend', 'cancel']),
  ...inAllCases('suspended', ['cancel']),
  ...inAllCases('canceled', []),
  ...inAllCases('receipt', []),
  {
    kind: 'renewal_reminder',
    name: 'a year',
    data: { ...ACCOUNT, amount: { minor: 588_000, currency: 'usd' }, renews_at: '2026-12-21T09:30:00Z' },
  },
  {
    kind: 'renewal_reminder',
    name: 'at an unknown price',
    data: { ...ACCOUNT, amount: null, renews_at: '2026-12-21T09:30:00Z' },
  },
  {
    kind: 'renewal_reminder',
    name: 'without any link',
    data: {
      ...ACCOUNT,
      app_url: 'none',
      amount: { minor: 588_000, currency: 'eur' },
      renews_at: '2026-12-21T09:30:00Z',
    },
  },
  {
    kind: 'trial_ending',
    name: 'is charged by itself',
    data: {
      ...ACCOUNT,
      amount: { minor: 49_000, currency: 'usd' },
      ends_at: '2026-11-28T09:30:00Z',
      has_payment_method: true,
    },
  },
  {
    kind: 'trial_ending',
    name: 'without a payment method',
    data: {
      ...ACCOUNT,
      amount: { minor: 49_000, currency: 'usd' },
      ends_at: '2026-11-28T09:30:00Z',
      has_payment_method: false,
    },
  },
  {
    kind: 'trial_ending',
    name: 'the price is not known',
    data: { ...ACCOUNT, amount: null, ends_at: '2026-11-28T09:30:00Z', has_payment_method: true },
  },
  {
    kind: 'trial_ending',
    name: 'neither price nor payment method',
    data: {
      ...ACCOUNT,
      app_url: 'none',
      amount: null,
      ends_at: '2026-11-28T09:30:00Z',
      has_payment_method: false,
    },
  },
  {
    kind: 'invitation',
    name: 'the first admin',
    data: {
      client_name: ACCOUNT.client_name,
      link: 'https://app.example.com/invitations/example',
      lifetime_days: INVITATION_LIFETIME_DAYS,
    },
  },
  {
    kind: 'invitation',
    name: 'for a day',
    data: {
      client_name: ACCOUNT.client_name,
      link: 'https://app.example.com/invitations/example',
      lifetime_days: 1,
    },
  },
];

function inAllCases(kind: DunningNoticeKind, effects: readonly (keyof typeof EFFECT_AT)[]): MailExample[] {
  return Object.entries(CASES).map(([name, difference]) => ({
    kind,
    name,
    data: { ...CHARGE, next: next(effects), ...difference },
  }));
}

function next(effects: readonly (keyof typeof EFFECT_AT)[]): DunningNoticePayload['next'] {
  return effects.map((effect) => ({ at: EFFECT_AT[effect], effect }));
}
