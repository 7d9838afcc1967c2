import type Stripe from 'stripe';
import { z } from 'zod';
import { Failure } from '../domain/failures.ts';
import {
  type StripeCustomerId,
  type StripeSubscriptionId,
  stripeCustomerIdSchema,
  stripeSubscriptionIdSchema,
} from '../domain/ids.ts';
import {
  type Customer,
  isEnded,
  SUBSCRIPTION_STATUSES,
  type Subscription,
  type SubscriptionItem,
} from '../domain/subscription.ts';
import { expandableId, instant, metadata, optionalInstant, optionalText, readAnswer } from './answers.ts';
import { customerSchema } from './customers.ts';
import { isResourceMissing, stripeFailure } from './errors.ts';
import { priceSchema } from './products.ts';

/** Stripe's page limit. */
const PAGE_SIZE = 100;
/** Stripe allows 500 live subscriptions a customer; with the ended ones of years this is still generous. */
const SUBSCRIPTIONS_PER_CUSTOMER_MAX = 2_000;
/** 100 items a subscription are allowed (20 with classic billing). */
const ITEMS_PER_SUBSCRIPTION_MAX = 500;

const itemSchema = z
  .object({
    id: z.string(),
    price: priceSchema,
    quantity: z.int().min(0).nullish(),
    current_period_start: instant,
    current_period_end: instant,
    created: instant,
  })
  .transform(
    (item): SubscriptionItem => ({
      id: item.id,
      price: item.price,
      quantity: item.quantity ?? null,
      currentPeriodStart: item.current_period_start,
      currentPeriodEnd: item.current_period_end,
      createdAt: item.created,
    }),
  );

const subscriptionSchema = z
  .object({
    id: stripeSubscriptionIdSchema,
    customer: expandableId.pipe(stripeCustomerIdSchema),
    status: z.enum(SUBSCRIPTION_STATUSES),
    items: z.object({ data: z.array(itemSchema), has_more: z.boolean().default(false) }),
    created: instant,
    cancel_at: optionalInstant,
    cancel_at_period_end: z.boolean(),
    canceled_at: optionalInstant,
    cancellation_details: z.object({ reason: optionalText }).nullish(),
    trial_end: optionalInstant,
    metadata,
  })
  .transform((answer) => ({
    hasMoreItems: answer.items.has_more,
    subscription: {
      id: answer.id,
      customerId: answer.customer,
      status: answer.status,
      items: answer.items.data,
      createdAt: answer.created,
      cancelAt: answer.cancel_at,
      cancelAtPeriodEnd: answer.cancel_at_period_end,
      canceledAt: answer.canceled_at,
      cancellationReason: answer.cancellation_details?.reason ?? null,
      trialEnd: answer.trial_end,
      metadata: answer.metadata,
    } satisfies Subscription,
  }));

/**
 * A customer's whole truth: all its subscriptions, whatever their status, with all their items. One request as long as
 * there are no more than 100 of them.
 *
 * @returns an empty list also for a customer that Stripe doesn't know or that was deleted
 */
export async function listSubscriptions(stripe: Stripe, customer: StripeCustomerId): Promise<Subscription[]> {
  try {
    const answers = await stripe.subscriptions
      .list({ customer, status: 'all', limit: PAGE_SIZE })
      .autoPagingToArray({ limit: SUBSCRIPTIONS_PER_CUSTOMER_MAX });
    const subscriptions: Subscription[] = [];
    for (const answer of answers) subscriptions.push(await withAllItems(stripe, answer));
    return subscriptions;
  } catch (error) {
    if (isResourceMissing(error)) return [];
    throw stripeFailure(error);
  }
}

/** A page of all subscriptions of the account, each with its customer. */
export type SubscriptionPage = {
  listed: { subscription: Subscription; customer: Customer; livemode: boolean }[];
  hasMore: boolean;
};

const listedSchema = z.object({ customer: customerSchema, livemode: z.boolean() });
const pageSchema = z.object({ data: z.array(z.unknown()), has_more: z.boolean() });

/**
 * One page of all subscriptions, whatever their status, newest first, with their customers: one request for up to 100 (and
 * one more for each that has more items than Stripe embeds). In test mode those on test clocks are not among them.
 *
 * @param options.from the first second of creation, unix seconds; `before` is the second after the last one
 * @param options.after the id after which the page begins; null for the first page
 */
export async function listSubscriptionPage(
  stripe: Stripe,
  options: { from: number; before: number; after: string | null },
): Promise<SubscriptionPage> {
  try {
    const answer = await stripe.subscriptions.list({
      status: 'all',
      limit: PAGE_SIZE,
      created: { gte: options.from, lt: options.before },
      expand: ['data.customer'],
      ...(options.after !== null && { starting_after: options.after }),
    });
    const page = readAnswer(pageSchema, answer);
    const listed: SubscriptionPage['listed'] = [];
    for (const each of page.data) {
      const { customer, livemode } = readAnswer(listedSchema, each);
      listed.push({ subscription: await withAllItems(stripe, each), customer, livemode });
    }
    return { listed, hasMore: page.has_more };
  } catch (error) {
    throw stripeFailure(error);
  }
}

/** @returns null when Stripe doesn't know the id */
export async function retrieveSubscription(
  stripe: Stripe,
  id: StripeSubscriptionId,
): Promise<Subscription | null> {
  try {
    return await withAllItems(stripe, await stripe.subscriptions.retrieve(id));
  } catch (error) {
    if (isResourceMissing(error)) return null;
    throw stripeFailure(error);
  }
}

/** The list embedded in a subscription is cut; what is beyond is fetched by itself. */
async function withAllItems(stripe: Stripe, answer: unknown): Promise<Subscription> {
  const { subscription, hasMoreItems } = readAnswer(subscriptionSchema, answer);
  if (!hasMoreItems) return subscription;
  const items = await stripe.subscriptionItems
    .list({ subscription: subscription.id, limit: PAGE_SIZE })
    .autoPagingToArray({ limit: ITEMS_PER_SUBSCRIPTION_MAX });
  return { ...subscription, items: items.map((item) => readAnswer(itemSchema, item)) };
}

/**
 * Cancels a subscription at once, without crediting or billing anything. Stripe takes no idempotency key on a DELETE, so
 * the truth is read before every try, and a second cancel that finds it canceled is none.
 *
 * @throws Failure SubscriptionNotFound, or what Stripe's answer is named
 */
export async function cancelSubscription(stripe: Stripe, id: StripeSubscriptionId): Promise<void> {
  if (await hasEnded(stripe, id)) return;
  try {
    await stripe.subscriptions.cancel(id);
  } catch (error) {
    // Stripe answers a cancel of what is canceled as if it did not know it.
    if (isResourceMissing(error) && (await hasEnded(stripe, id))) return;
    throw stripeFailure(error);
  }
}

async function hasEnded(stripe: Stripe, id: StripeSubscriptionId): Promise<boolean> {
  const subscription = await retrieveSubscription(stripe, id);
  if (subscription === null) throw new Failure('SubscriptionNotFound', `Stripe does not know ${id}`);
  return isEnded(subscription.status);
}
