import { invalidRequest, parameterMissing } from '../../api/errors.ts';
import type { Transaction } from '../../state/transaction.ts';
import { hasEnded, type Subscription } from '../subscriptions/subscription-state.ts';
import type { StoredConfiguration } from './portal-configuration.ts';
import type { FlowData } from './portal-parameters.ts';
import { requirePermission, subscriptionOfCustomer } from './portal-permissions.ts';

/** The one thing that a customer is to do, as the API shows it. */
export interface PortalFlow {
  readonly after_completion: {
    readonly hosted_confirmation: { readonly custom_message: string | null } | null;
    readonly redirect: { readonly return_url: string } | null;
    readonly type: 'hosted_confirmation' | 'portal_homepage' | 'redirect';
  };
  readonly customer_update: Readonly<Record<string, never>> | null;
  readonly subscription_cancel: { readonly retention: null; readonly subscription: string } | null;
  readonly subscription_pause: null;
  readonly subscription_update: { readonly subscription: string } | null;
  readonly subscription_update_confirm: {
    readonly discounts: null;
    readonly items: readonly { readonly id: string; readonly price?: string; readonly quantity?: number }[];
    readonly subscription: string;
  } | null;
  readonly type: FlowData['type'];
}

/**
 * What a session is to lead through.
 * @throws StripeError 400 when it lacks something, when the configuration forbids it, or when there is nothing to do
 */
export function flowOf(
  tx: Transaction,
  flow: FlowData,
  of: { customer: string; configuration: StoredConfiguration },
): PortalFlow {
  const subscription = subscriptionOf(tx, flow, of);
  return {
    after_completion: completionOf(flow.after_completion),
    customer_update: flow.type === 'customer_update' ? {} : null,
    subscription_cancel:
      flow.type === 'subscription_cancel' && subscription
        ? { retention: null, subscription: subscription.id }
        : null,
    subscription_pause: null,
    subscription_update:
      flow.type === 'subscription_update' && subscription ? { subscription: subscription.id } : null,
    subscription_update_confirm:
      flow.type === 'subscription_update_confirm' && subscription
        ? { discounts: null, items: itemsOf(flow, subscription), subscription: subscription.id }
        : null,
    type: flow.type,
  };
}

function subscriptionOf(
  tx: Transaction,
  flow: FlowData,
  { customer, configuration }: { customer: string; configuration: StoredConfiguration },
): Subscription | null {
  const { type } = flow;
  requirePermission(configuration, type);
  if (type === 'customer_update' || type === 'payment_method_update') return null;
  const place = `flow_data[${type}]`;
  const data = flow[type];
  if (!data) throw parameterMissing(place);
  const param = `${place}[subscription]`;
  const subscription = subscriptionOfCustomer(tx, { id: data.subscription, customer, param });
  if (hasEnded(subscription)) {
    throw invalidRequest({ param, message: `The subscription \`${subscription.id}\` is canceled.` });
  }
  if (type === 'subscription_cancel' && subscription.cancel_at !== null) {
    throw invalidRequest({
      param,
      message: `The subscription \`${subscription.id}\` is already set to be canceled at period end.`,
    });
  }
  return subscription;
}

function itemsOf(
  { subscription_update_confirm: confirm }: FlowData,
  subscription: Subscription,
): NonNullable<PortalFlow['subscription_update_confirm']>['items'] {
  const items = (confirm?.items ?? []).map(({ id, price, quantity }, index) => {
    const item = subscription.items.find((one) => one.id === id);
    if (!item) {
      throw invalidRequest({
        param: `flow_data[subscription_update_confirm][items][${index}][id]`,
        message: `The subscription \`${subscription.id}\` has no item \`${id}\`.`,
      });
    }
    const isChanged =
      (price !== undefined && price !== item.price) || (quantity !== undefined && quantity !== item.quantity);
    return {
      isChanged,
      item: { id, ...(price ? { price } : {}), ...(quantity === undefined ? {} : { quantity }) },
    };
  });
  if (!items.some(({ isChanged }) => isChanged)) {
    throw invalidRequest({ message: 'There are no changes to confirm.' });
  }
  return items.map(({ item }) => item);
}

function completionOf(sentCompletion: FlowData['after_completion']): PortalFlow['after_completion'] {
  const { hosted_confirmation: confirmation, redirect, type = 'portal_homepage' } = sentCompletion ?? {};
  if (type === 'redirect' && !redirect) throw parameterMissing('flow_data[after_completion][redirect]');
  return {
    hosted_confirmation:
      type === 'hosted_confirmation' ? { custom_message: confirmation?.custom_message ?? null } : null,
    redirect: type === 'redirect' && redirect ? redirect : null,
    type,
  };
}
