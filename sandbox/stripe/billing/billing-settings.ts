import { z } from 'zod';

const daySeconds = 86_400;
const hourSeconds = 3_600;

/** Most retries that an invoice may get; Stripe recommends 8 and allows 3 of one's own choice. */
const retriesMax = 20;

const seconds = z.number().int().min(0);

/** What Stripe keeps in the dashboard and the API does not show: how invoices are collected, and what if not. */
export const billingSettingsSchema = z.strictObject({
  /** Seconds from each failed attempt to the next; when they are used up the retries have ended. */
  retryAfterSeconds: z.array(seconds.min(1)).max(retriesMax),
  /** What becomes of the subscription when the retries have ended. */
  subscriptionAtEnd: z.enum(['cancel', 'unpaid', 'past_due', 'pause']),
  /** What becomes of the invoice then. */
  invoiceAtEnd: z.enum(['open', 'uncollectible']),
  /** Whether a failure says nothing of the next attempt, and `invoice.updated` tells it a moment later. */
  tellsNextAttemptLater: z.boolean(),
  /** Whether a subscription pauses after the first failure already; flexible billing only. */
  pausesAtFirstFailure: z.boolean(),
  /** How long renewal and trial-end invoices stay drafts. */
  draftSeconds: seconds,
  /** How long a draft waits at most while an endpoint has not acknowledged `invoice.created`. */
  draftHoldMaxSeconds: seconds,
  /** After how long an unpaid first invoice expires its subscription. */
  incompleteExpirySeconds: seconds,
  /** How long before a renewal `invoice.upcoming` is sent; 0: never. */
  upcomingNoticeSeconds: seconds,
  /** How long after its due date an unpaid sent invoice ends its subscription as `subscriptionAtEnd` says. */
  sentInvoiceGraceSeconds: seconds,
  /** How long after it was made an object is found by search. No dashboard has this: it is how Stripe's index lags. */
  searchLagSeconds: seconds,
});

export type BillingSettings = Readonly<z.infer<typeof billingSettingsSchema>>;

/** Three retries within two weeks, then the subscription is canceled and the invoice stays open. */
export const defaultBillingSettings: BillingSettings = {
  retryAfterSeconds: [3 * daySeconds, 5 * daySeconds, 6 * daySeconds],
  subscriptionAtEnd: 'cancel',
  invoiceAtEnd: 'open',
  tellsNextAttemptLater: false,
  pausesAtFirstFailure: false,
  draftSeconds: hourSeconds,
  draftHoldMaxSeconds: 72 * hourSeconds,
  incompleteExpirySeconds: 23 * hourSeconds,
  upcomingNoticeSeconds: 7 * daySeconds,
  sentInvoiceGraceSeconds: 30 * daySeconds,
  searchLagSeconds: 0,
};
