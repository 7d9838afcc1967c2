/**
 * The one list of Stripe event types that concern us, by whom they concern. It drives the routing of webhooks, doctor, the
 * sandbox's default endpoint and the documentation. Everything else is kept as `ignored`.
 */
const STRIPE_EVENT_TYPES = {
  /** A purchase in Stripe Checkout may begin a tenant. */
  session: [
    'checkout.session.completed',
    'checkout.session.async_payment_succeeded',
    'checkout.session.async_payment_failed',
  ],
  customer: ['customer.updated', 'customer.deleted'],
  subscription: [
    'customer.subscription.created',
    'customer.subscription.updated',
    'customer.subscription.deleted',
    'customer.subscription.paused',
    'customer.subscription.resumed',
    'customer.subscription.pending_update_applied',
    'customer.subscription.pending_update_expired',
    'customer.subscription.trial_will_end',
  ],
  /** What is owed, tried, paid and given up; `upcoming` is about an invoice that is not there yet. */
  invoice: [
    'invoice.upcoming',
    'invoice.finalized',
    'invoice.updated',
    'invoice.paid',
    'invoice.payment_failed',
    'invoice.payment_action_required',
    'invoice.overdue',
    'invoice.voided',
    'invoice.marked_uncollectible',
  ],
  product: ['product.created', 'product.updated', 'product.deleted'],
  price: ['price.created', 'price.updated', 'price.deleted'],
} as const;

export type ConcernKind = keyof typeof STRIPE_EVENT_TYPES;

/** All of them in one list, for endpoints and documents. */
export const ALL_STRIPE_EVENT_TYPES: readonly string[] = Object.values(STRIPE_EVENT_TYPES).flat();

const KIND_BY_TYPE: ReadonlyMap<string, ConcernKind> = new Map(
  (Object.keys(STRIPE_EVENT_TYPES) as ConcernKind[]).flatMap((kind) =>
    STRIPE_EVENT_TYPES[kind].map((type) => [type, kind] as const),
  ),
);

/** Whom an event of this type concerns; undefined when it is of no concern. Thin types are meant without `v1.`. */
export function concernOf(type: string): ConcernKind | undefined {
  return KIND_BY_TYPE.get(type);
}
