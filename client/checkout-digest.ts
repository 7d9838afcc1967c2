import { createHash } from 'node:crypto';
import type { Checkout } from '../domain/create-tenant-input.ts';

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** What tells two checkouts apart: the SHA-256 of their fields in a fixed order, so a body's order doesn't matter. */
export function checkoutDigest(checkout: Checkout): string {
  return sha256Hex(
    JSON.stringify([
      checkout.email,
      checkout.client_name,
      checkout.stripe_customer_id ?? null,
      checkout.stripe_subscription_id ?? null,
      checkout.initial_license_count ?? null,
    ]),
  );
}
