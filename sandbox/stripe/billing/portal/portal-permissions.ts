import { invalidRequest, noSuchInParameter } from '../../api/errors.ts';
import type { Transaction } from '../../state/transaction.ts';
import { type Subscription, subscriptionTable } from '../subscriptions/subscription-state.ts';
import type { StoredConfiguration } from './portal-configuration.ts';
import type { FlowData } from './portal-parameters.ts';

/** The feature that each kind of change needs. */
const featureOf = {
  customer_update: 'customer_update',
  payment_method_update: 'payment_method_update',
  subscription_cancel: 'subscription_cancel',
  subscription_update: 'subscription_update',
  subscription_update_confirm: 'subscription_update',
} as const satisfies Record<FlowData['type'], string>;

/** @throws StripeError 400 when the configuration does not allow this kind of change */
export function requirePermission({ shown }: StoredConfiguration, type: FlowData['type']): void {
  const feature = featureOf[type];
  if (shown.features[feature].enabled) return;
  const isUpdate = feature === 'subscription_update';
  throw invalidRequest({
    message: isUpdate
      ? 'This subscription cannot be updated because the subscription update feature in the portal configuration is disabled.'
      : `The ${feature.replaceAll('_', ' ')} feature in the portal configuration is disabled.`,
  });
}

/** @throws StripeError 400 when there is none, or when it is somebody else's */
export function subscriptionOfCustomer(
  tx: Transaction,
  wanted: { id: string; customer: string; param: string },
): Subscription {
  const subscription = tx.get(subscriptionTable, wanted.id);
  if (!subscription) throw noSuchInParameter('subscription', wanted.id, wanted.param);
  if (subscription.customer === wanted.customer) return subscription;
  const message = `The subscription \`${wanted.id}\` does not belong to the customer \`${wanted.customer}\`.`;
  throw invalidRequest({ param: wanted.param, message });
}

/**
 * Checks a customer's wish for another price or quantity.
 * @throws StripeError 400 when the configuration does not allow it
 */
export function requireAllowedUpdate(
  { shown, products }: StoredConfiguration,
  item: { readonly price: string; readonly quantity?: number },
  wish: { price?: string | undefined; quantity?: number | undefined },
): void {
  const allowed = shown.features.subscription_update.default_allowed_updates;
  const price = wish.price ?? item.price;
  const offer = products.find(({ prices }) => prices.includes(price));
  if (price !== item.price && (!allowed.includes('price') || !offer)) {
    throw invalidRequest({ message: `The portal configuration does not offer the price \`${price}\`.` });
  }
  if (wish.quantity === undefined || wish.quantity === item.quantity) return;
  const adjustable = offer?.adjustable_quantity;
  const isWithin =
    !adjustable?.enabled ||
    (wish.quantity >= adjustable.minimum && wish.quantity <= (adjustable.maximum ?? wish.quantity));
  if (allowed.includes('quantity') && isWithin) return;
  throw invalidRequest({
    message: `The portal configuration does not allow the quantity ${wish.quantity} of the price \`${price}\`.`,
  });
}
