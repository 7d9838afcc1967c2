import Stripe from 'stripe';
import { z } from 'zod';
import type { StripePriceId } from '../domain/ids.ts';
import { readAnswer } from './answers.ts';
import { isResourceMissing, stripeFailure } from './errors.ts';

/** The version that our requests ask for, whatever the account's default is. */
export const STRIPE_API_VERSION: string = Stripe.API_VERSION;

const pricesSchema = z.object({ data: z.array(z.object({ livemode: z.boolean() })) });
const priceSchema = z.object({
  active: z.boolean(),
  livemode: z.boolean(),
  recurring: z.object({ interval: z.string() }).nullish(),
});

export type KeyExamination = {
  /** Stripe's clock when it answered, in whole seconds; null when a proxy took the header away. */
  stripeTime: Date | null;
  /** The mode of what the key reads; null when there is nothing yet. */
  livemode: boolean | null;
};

/**
 * Asks for as little as the API has and every key of ours may read.
 *
 * @throws Failure StripeAuthenticationFailed when Stripe doesn't take the key
 */
export async function examineKey(stripe: Stripe): Promise<KeyExamination> {
  try {
    const answer = await stripe.prices.list({ limit: 1 });
    const { data } = readAnswer(pricesSchema, answer);
    const ms = Date.parse(answer.lastResponse?.headers?.date ?? '');
    return { stripeTime: Number.isNaN(ms) ? null : new Date(ms), livemode: data[0]?.livemode ?? null };
  } catch (error) {
    throw stripeFailure(error);
  }
}

export type PriceStanding = { isActive: boolean; isRecurring: boolean; livemode: boolean };

/** @returns null when Stripe doesn't know the price in the key's mode */
export async function retrievePriceStanding(
  stripe: Stripe,
  id: StripePriceId,
): Promise<PriceStanding | null> {
  try {
    const price = readAnswer(priceSchema, await stripe.prices.retrieve(id));
    return { isActive: price.active, isRecurring: Boolean(price.recurring), livemode: price.livemode };
  } catch (error) {
    if (isResourceMissing(error)) return null;
    throw stripeFailure(error);
  }
}
