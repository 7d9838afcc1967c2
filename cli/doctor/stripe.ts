import { Failure } from '../../domain/failures.ts';
import { stripePriceIdSchema } from '../../domain/ids.ts';
import { isLiveKey } from '../../domain/stripe-key.ts';
import {
  examineKey,
  type KeyExamination,
  type PriceStanding,
  retrievePriceStanding,
} from '../../stripe/account.ts';
import { createStripe, type Stripe } from '../../stripe/client.ts';
import { listWebhookEndpoints, type WebhookEndpoint } from '../../stripe/webhook-endpoints.ts';
import { describeError } from '../error-text.ts';
import { type ClockReading, clockFinding, skewMs } from './clock.ts';
import type { Environment } from './environment.ts';
import { ok, red, type Verdict } from './finding.ts';
import { type Prerequisite, prerequisite } from './prerequisite.ts';
import { type Check, NotLookedAt, Trouble } from './run-checks.ts';

/** Two requests after each other stay within a check's deadline. */
const REQUEST_TIMEOUT_MS = 6_000;
/** `Date` has whole seconds: on average it is half of one behind. */
const DATE_ROUNDING_MS = 500;

type Account = KeyExamination & {
  stripe: Stripe;
  /** What the key says of itself. */
  isLive: boolean;
  /** null when Stripe's answer told no time. */
  clock: ClockReading | null;
};

export type StripeAccount = {
  /** The key, once Stripe has taken it. */
  account: Prerequisite<Account>;
  endpoints: Prerequisite<WebhookEndpoint[]>;
};

export function connectStripe({ value }: Environment): StripeAccount {
  const account = prerequisite(
    'Stripe doesn’t take the key or doesn’t answer',
    async (): Promise<Account> => {
      const secretKey = value('STRIPE_SECRET_KEY');
      const apiBase = value('STRIPE_API_BASE');
      const stripe = createStripe({ secretKey, apiBase, timeoutMs: REQUEST_TIMEOUT_MS });
      const beforeMs = Date.now();
      const examination = await examineKey(stripe);
      const afterMs = Date.now();
      const theirsMs = examination.stripeTime && examination.stripeTime.getTime() + DATE_ROUNDING_MS;
      return {
        ...examination,
        stripe,
        isLive: isLiveKey(secretKey),
        clock: theirsMs === null ? null : { theirsMs, beforeMs, afterMs },
      };
    },
  );
  const endpoints = prerequisite('the webhook endpoints can’t be read', async () => {
    const { stripe } = await account.needed();
    return listWebhookEndpoints(stripe);
  });
  return { account, endpoints };
}

export function stripeChecks(
  { account }: StripeAccount,
  { value }: Environment,
): Record<'stripe_key' | 'license_prices' | 'clock_stripe', Check> {
  return {
    stripe_key: async () => {
      try {
        const { isLive, livemode } = await account.examined();
        return [keyFinding(isLive, livemode)];
      } catch (error) {
        if (error instanceof NotLookedAt) throw error;
        throw keyTrouble(error);
      }
    },
    license_prices: async () => {
      const { stripe, isLive } = await account.needed();
      const ids = value('STRIPE_PRO_PRICE_ID');
      if (ids === undefined) return [ok('STRIPE_PRO_PRICE_ID is unset: every item with a quantity counts.')];
      return Promise.all(
        ids.map(async (id) => {
          const standing = await retrievePriceStanding(stripe, stripePriceIdSchema.parse(id));
          return priceFinding(id, standing, isLive);
        }),
      );
    },
    clock_stripe: async () => {
      const { clock } = await account.needed();
      if (clock === null) throw new NotLookedAt('Stripe’s answer came without a Date');
      return [clockFinding('Stripe’s clock', skewMs(clock))];
    },
  };
}

export function modeName(isLive: boolean): string {
  return isLive ? 'live mode' : 'test mode';
}

/** @param livemode of what the key reads; null when there is nothing yet */
export function keyFinding(isLive: boolean, livemode: boolean | null): Verdict {
  if (livemode === null || livemode === isLive) return ok(`Stripe takes the key, of ${modeName(isLive)}.`);
  return red(
    `The key is of ${modeName(isLive)}, but what it reads is of ${modeName(livemode)}.`,
    'Correct STRIPE_SECRET_KEY, and STRIPE_API_BASE if it is set.',
  );
}

/** A price that is archived still counts for those who have it, but nobody can buy it; one that doesn't recur never counts. */
export function priceFinding(id: string, standing: PriceStanding | null, isLive: boolean): Verdict {
  const fix = `Correct STRIPE_PRO_PRICE_ID: it takes prices of ${modeName(isLive)}, as STRIPE_SECRET_KEY is.`;
  if (standing === null) return red(`Stripe knows no ${id} in ${modeName(isLive)}.`, fix);
  if (standing.livemode !== isLive) return red(`${id} is of ${modeName(standing.livemode)}.`, fix);
  if (!standing.isRecurring) {
    return red(`${id} is paid once, so no subscription can have it.`, 'Correct STRIPE_PRO_PRICE_ID.');
  }
  if (standing.isActive) return ok(`${id} is active and recurring, of ${modeName(isLive)}.`);
  return {
    status: 'warning',
    detail: `${id} is archived: it counts for those who have it, but can’t be sold.`,
    fix: 'Nothing, if it is an old price that stands beside a new one; otherwise activate it in Stripe.',
  };
}

function keyTrouble(error: unknown): Trouble {
  const name = error instanceof Failure ? error.name : undefined;
  const detail = `${describeError(error)}.`;
  switch (name) {
    case 'StripeAuthenticationFailed':
      return new Trouble(
        `Stripe doesn’t take the key. ${detail}`,
        'Correct STRIPE_SECRET_KEY: docs/setup-stripe.md, 1.',
      );
    case 'StripePermissionDenied':
      return new Trouble(
        `The key may not read prices. ${detail}`,
        'Give the restricted key the permissions that docs/setup-stripe.md lists.',
      );
    default:
      return new Trouble(
        `Stripe doesn’t answer. ${detail}`,
        'Look at the way to Stripe, at STRIPE_API_BASE if it is set, and at status.stripe.com.',
      );
  }
}
