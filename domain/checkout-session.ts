import type { CreateTenantInput } from './create-tenant-input.ts';
import {
  CLIENT_NAME_LENGTH_MAX,
  clientNameSchema,
  emailSchema,
  licenseCountSchema,
} from './create-tenant-input.ts';
import { Failure } from './failures.ts';
import type { StripeCustomerId, StripeSubscriptionId } from './ids.ts';
import { isLicensePrice, type LicensePrices } from './license-count.ts';

/** What we read of a Stripe Checkout session. */
export type CheckoutSession = {
  id: string;
  mode: 'payment' | 'setup' | 'subscription';
  paymentStatus: 'paid' | 'unpaid' | 'no_payment_required';
  customerId: StripeCustomerId | null;
  subscriptionId: StripeSubscriptionId | null;
  lineItems: { priceId: string; quantity: number | null }[];
  /** What the buyer typed, then what the session carries. */
  email: string | null;
  names: (string | null | undefined)[];
};

export type SessionVerdict =
  | { begins: 'tenant'; purchase: CreateTenantInput }
  | { begins: 'nothing'; reason: 'not_a_license_purchase' | 'awaiting_payment' };

/**
 * Does this session of a customer without a tenant begin one? It does when it sold a licence in a subscription that is
 * paid or costs nothing; a delayed payment method begins it when the money has come.
 *
 * @throws Failure InvalidInput when it should begin one but names nobody who could be invited
 */
export function judgeSession(session: CheckoutSession, prices: LicensePrices): SessionVerdict {
  const licenses = session.lineItems.filter(
    (item) => item.quantity !== null && isLicensePrice(item.priceId, prices),
  );
  if (session.mode !== 'subscription' || session.customerId === null || licenses.length === 0) {
    return { begins: 'nothing', reason: 'not_a_license_purchase' };
  }
  if (session.paymentStatus === 'unpaid') return { begins: 'nothing', reason: 'awaiting_payment' };
  const email = emailSchema.safeParse(session.email);
  // Somebody paid: this must be seen, not ignored.
  if (!email.success)
    throw new Failure('InvalidInput', 'The Checkout session names no usable e-mail address');
  const count = licenseCountSchema.safeParse(licenses.reduce((sum, item) => sum + (item.quantity ?? 0), 0));
  return {
    begins: 'tenant',
    purchase: {
      email: email.data,
      client_name: usableName([...session.names, email.data]),
      stripe_customer_id: session.customerId,
      ...(session.subscriptionId !== null && { stripe_subscription_id: session.subscriptionId }),
      ...(count.success && { initial_license_count: count.data }),
      source: 'stripe_checkout',
    },
  };
}

/** Names come from a form: the first that fits is taken, cut to the length that we keep. */
function usableName(candidates: (string | null | undefined)[]): string {
  const names = candidates.map((name) => clientNameSchema.safeParse(name && cut(name)));
  const usable = names.find((parsed) => parsed.success);
  return usable?.success ? usable.data : 'Unnamed';
}

/** Without the half character that a cut can leave. */
function cut(name: string): string {
  return name.slice(0, CLIENT_NAME_LENGTH_MAX).replace(/\p{Cs}/gu, '');
}
