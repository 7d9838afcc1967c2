import { z } from 'zod';
import { DECLINE_GROUPS } from './decline-codes.ts';
import { DUNNING_EFFECTS } from './dunning-policy.ts';
import { Failure } from './failures.ts';
import { COLLECTION_METHODS } from './invoice.ts';

export const NOTIFICATION_STATUSES = ['queued', 'sent', 'failed', 'suppressed'] as const;
export type NotificationStatus = (typeof NOTIFICATION_STATUSES)[number];

/** How long the link in an invitation can be used. */
export const INVITATION_LIFETIME_DAYS = 7;

/** A link's token: 256 random bits. */
export const INVITATION_TOKEN_BYTES = 32;

/** The language of a mail whose recipient's is not known, or has no templates. */
export const DEFAULT_LOCALE = 'en';

/** Notices about an invoice that is not paid, and the receipt that ends them. */
export const DUNNING_NOTICE_KINDS = [
  'payment_failed',
  'reminder',
  'final_notice',
  'restricted',
  'suspended',
  'canceled',
  'receipt',
] as const;
export type DunningNoticeKind = (typeof DUNNING_NOTICE_KINDS)[number];

/** Every mail there is; each has its templates. */
export const NOTICE_KINDS = [
  ...DUNNING_NOTICE_KINDS,
  'renewal_reminder',
  'trial_ending',
  'invitation',
] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** As JSON keeps it: ISO 8601, with `Z` or an offset. */
const instant = z.iso.datetime({ offset: true });
/** Minor units as Stripe counts them, see `minorDigits`. */
const amount = z.object({ minor: z.int().min(0), currency: z.string().regex(/^[a-z]{3}$/) });
const everyNotice = { client_name: z.string(), app_url: z.string(), time_zone: z.string() };

const dunningNotice = z.object({
  ...everyNotice,
  /** What is open; in a receipt, what was paid. */
  amount,
  collection_method: z.enum(COLLECTION_METHODS),
  /** The first failed attempt, or the due date of an invoice that is sent. */
  since: instant,
  invoice_number: z.string().nullable(),
  /** Stripe's page of the invoice. */
  pay_url: z.string().nullable(),
  decline: z.enum(DECLINE_GROUPS).nullable(),
  /** Stripe's next attempt of its own. */
  retry_at: instant.nullable(),
  /** May everything be used now, whatever this and other cases withhold? */
  has_access: z.boolean(),
  /** What happens when, if nothing is paid; empty in a receipt. */
  next: z.array(z.object({ at: instant, effect: z.enum(DUNNING_EFFECTS) })),
});
export type DunningNoticePayload = z.output<typeof dunningNotice>;

/**
 * What a notice tells, by its kind. All but the invitation's is kept in the outbox as JSON: times are text, amounts are
 * integers.
 */
const NOTICE_PAYLOADS = {
  payment_failed: dunningNotice,
  reminder: dunningNotice,
  final_notice: dunningNotice,
  restricted: dunningNotice,
  suspended: dunningNotice,
  canceled: dunningNotice,
  receipt: dunningNotice,
  renewal_reminder: z.object({
    ...everyNotice,
    /** null when a price does not tell what its quantity costs. */
    amount: amount.nullable(),
    renews_at: instant,
  }),
  trial_ending: z.object({
    ...everyNotice,
    /** null when nobody knows yet what the first period will cost. */
    amount: amount.nullable(),
    ends_at: instant,
    has_payment_method: z.boolean(),
  }),
  invitation: z.object({
    client_name: z.string(),
    /** A secret: it stands in the mail and nowhere else. */
    link: z.url({ protocol: /^https?$/ }),
    lifetime_days: z.int().min(1),
  }),
} as const satisfies Record<NoticeKind, z.ZodType>;

type NoticePayload<K extends NoticeKind> = z.output<(typeof NOTICE_PAYLOADS)[K]>;

/** A kind of notice with what it tells. */
export type Notice = { [K in NoticeKind]: { kind: K; data: NoticePayload<K> } }[NoticeKind];

/**
 * Reads a notice as it comes out of the outbox.
 *
 * @throws Failure InvalidInput when there is no such kind, or the data isn't what it tells; no value stands in it
 */
export function readNotice(notice: { kind: string; data: unknown }): Notice {
  const kind = NOTICE_KINDS.find((known) => known === notice.kind);
  if (kind === undefined) throw new Failure('InvalidInput', 'There is no such kind of notice');
  const parsed = NOTICE_PAYLOADS[kind].safeParse(notice.data);
  // The data was parsed by the schema of this kind, which the compiler can't follow from one to the other.
  if (parsed.success) return { kind, data: parsed.data } as Notice;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Failure('InvalidInput', `The data of a ${kind} is not usable: ${faults.join('; ')}`);
}
