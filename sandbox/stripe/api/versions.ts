import { z } from 'zod';
import { invalidRequest } from './errors.ts';

const form = /^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$/;

/**
 * Checks the `Stripe-Version` header. Whatever version is asked for, the shapes stay those of one version; the
 * header is echoed and logged, so that a client that asks for another one is found.
 * @throws StripeError 400 for what has not the form of a version
 */
export function checkVersion(version: string | null): void {
  if (version === null || form.test(version)) return;
  throw invalidRequest({ message: `Invalid Stripe API version: ${version}` });
}

/** A version as a parameter, such as `2026-10-28.endive`. */
export const apiVersionParameter = z
  .string()
  .regex(form, { error: (issue) => `Invalid API version: ${issue.input}` });
