import { cardRefused, invalidRequest } from '../../api/errors.ts';
import { sent } from '../../api/parameters.ts';
import { type Customer, customerTable, updateCustomer } from '../../resources/customers.ts';
import type { Transaction } from '../../state/transaction.ts';
import { paymentMethodNamed } from '../payments/payment-method-attachment.ts';
import { confirmSetup, finishSetup, type SetupIntent, startSetupIntent } from '../payments/payment-setup.ts';
import { cancelSubscription } from '../subscriptions/subscription-end.ts';
import type { UpdateSubscription } from '../subscriptions/subscription-parameters.ts';
import { hasEnded, type Subscription } from '../subscriptions/subscription-state.ts';
import { updateAsAsked } from '../subscriptions/subscription-update.ts';
import { portalConfigurationTable, type StoredConfiguration } from './portal-configuration.ts';
import { requireAllowedUpdate, requirePermission, subscriptionOfCustomer } from './portal-permissions.ts';
import { type StoredPortalSession, touchPortalSession } from './portal-session.ts';

// What a customer does on the portal's page. Each throws a StripeError with a message for the customer when the
// configuration, the card or the subscription does not allow it.

/** Ends a subscription, now or with its period, as the configuration says. */
export function cancelInPortal(
  tx: Transaction,
  session: StoredPortalSession,
  wish: { subscription: string; details?: UpdateSubscription['cancellation_details'] },
): Subscription {
  const { shown } = permitted(tx, session, 'subscription_cancel');
  const { mode, proration_behavior: proration } = shown.features.subscription_cancel;
  const row = liveSubscription(tx, session, wish.subscription);
  const details = { ...sent(wish.details ?? {}), reason: 'cancellation_requested' } as const;
  if (mode === 'immediately') {
    return cancelSubscription(tx, row, {
      details,
      isInvoiced: proration === 'always_invoice',
      isProrated: proration !== 'none',
    });
  }
  if (row.cancel_at !== null) {
    throw invalidRequest({ message: `The subscription \`${row.id}\` is already set to be canceled.` });
  }
  // With flexible billing the end is a moment; `cancel_at_period_end` stays false.
  const end =
    row.billing_mode.type === 'flexible'
      ? ({ cancel_at: 'max_period_end' } as const)
      : { cancel_at_period_end: true };
  return updateAsAsked(tx, row, { ...end, cancellation_details: wish.details });
}

/** Takes back that a subscription is to end. */
export function renewInPortal(
  tx: Transaction,
  session: StoredPortalSession,
  wish: { subscription: string },
): Subscription {
  permitted(tx, session, 'subscription_cancel');
  const row = liveSubscription(tx, session, wish.subscription);
  if (row.cancel_at === null) {
    throw invalidRequest({ message: `The subscription \`${row.id}\` is not set to be canceled.` });
  }
  return updateAsAsked(tx, row, { cancel_at: '' });
}

/** Another quantity or price of one item; when not named, of the only one. */
export interface PortalItemWish {
  readonly id?: string | undefined;
  readonly price?: string | undefined;
  readonly quantity?: number | undefined;
}

/** Changes what a subscription is for. When that is billed at once and not paid, nothing changes. */
export function updateInPortal(
  tx: Transaction,
  session: StoredPortalSession,
  wish: { subscription: string; items: readonly PortalItemWish[] },
): Subscription {
  const configuration = permitted(tx, session, 'subscription_update');
  const update = configuration.shown.features.subscription_update;
  const row = liveSubscription(tx, session, wish.subscription);
  const items = wish.items.map((change) => {
    const [only, ...others] = row.items;
    const item =
      change.id === undefined && others.length === 0 ? only : row.items.find(({ id }) => id === change.id);
    if (!item) throw invalidRequest({ message: `The subscription \`${row.id}\` has no such item.` });
    requireAllowedUpdate(configuration, item, change);
    return { ...sent(change), id: item.id };
  });
  const endsTrial = row.status === 'trialing' && update.trial_update_behavior === 'end_trial';
  return updateAsAsked(tx, row, {
    items,
    payment_behavior: 'error_if_incomplete',
    proration_behavior: update.proration_behavior,
    ...(update.billing_cycle_anchor ? { billing_cycle_anchor: { type: update.billing_cycle_anchor } } : {}),
    ...(endsTrial ? { trial_end: 'now' } : {}),
  });
}

/** A card that the customer types in, as a test token. */
export interface PortalCardWish {
  readonly card: string;
  /** Whether the customer passes the bank's check, where it wants one. */
  readonly authenticates: boolean;
  /** When given, the card pays this subscription only; otherwise it becomes the customer's default. */
  readonly subscription?: string | undefined;
}

/** Sets a new card up and makes it the one that pays. @returns the payment method's id */
export function changeCardInPortal(
  tx: Transaction,
  session: StoredPortalSession,
  wish: PortalCardWish,
): string {
  permitted(tx, session, 'payment_method_update');
  const customer = customerOf(tx, session);
  const row = wish.subscription === undefined ? null : liveSubscription(tx, session, wish.subscription);
  const method = paymentMethodNamed(tx, wish.card, 'card');
  const started = startSetupIntent(tx, { customer: customer.id });
  const asked = confirmSetup(tx, started, { method, returnUrl: session.shown.url });
  const done = asked.status === 'requires_action' ? finishSetup(tx, asked, wish.authenticates) : asked;
  if (done.status !== 'succeeded') throw refusedSetup(done);
  if (row) updateAsAsked(tx, row, { default_payment_method: method.id });
  else {
    updateCustomer(tx, customer, {
      invoice_settings: { ...customer.invoice_settings, default_payment_method: method.id },
    });
  }
  return method.id;
}

/** Changes what is known about the customer. */
export function updateCustomerInPortal(
  tx: Transaction,
  session: StoredPortalSession,
  wish: { email?: string | undefined; name?: string | undefined; phone?: string | undefined },
): Customer {
  const { shown } = permitted(tx, session, 'customer_update');
  const changes = sent(wish);
  for (const name of ['email', 'name', 'phone'] as const) {
    if (changes[name] === undefined || shown.features.customer_update.allowed_updates.includes(name))
      continue;
    throw invalidRequest({ message: `The portal configuration does not allow to change the ${name}.` });
  }
  return updateCustomer(tx, customerOf(tx, session), changes);
}

/** The configuration, when it allows this; the session lasts longer for it. */
function permitted(
  tx: Transaction,
  session: StoredPortalSession,
  type: Parameters<typeof requirePermission>[1],
): StoredConfiguration {
  const configuration = tx.get(portalConfigurationTable, session.shown.configuration);
  if (!configuration) throw new Error(`portal configuration ${session.shown.configuration} is gone`);
  requirePermission(configuration, type);
  touchPortalSession(tx, session);
  return configuration;
}

function customerOf(tx: Transaction, { shown }: StoredPortalSession): Customer {
  const customer = tx.get(customerTable, shown.customer);
  if (!customer) throw invalidRequest({ message: `No such customer: '${shown.customer}'` });
  return customer;
}

function liveSubscription(tx: Transaction, { shown }: StoredPortalSession, id: string): Subscription {
  const row = subscriptionOfCustomer(tx, { id, customer: shown.customer, param: 'subscription' });
  if (hasEnded(row)) throw invalidRequest({ message: `The subscription \`${id}\` is canceled.` });
  return row;
}

function refusedSetup(intent: SetupIntent): Error {
  const message = intent.last_setup_error?.message ?? 'The card could not be set up.';
  const code = intent.last_setup_error?.code ?? 'setup_intent_authentication_failure';
  return cardRefused({ code, message, setup_intent: intent }, { keepsChanges: true });
}
