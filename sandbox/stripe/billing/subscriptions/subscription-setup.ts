import type { Transaction } from '../../state/transaction.ts';
import { type SetupIntent, setupIntentTable, startSetupIntent } from '../payments/payment-setup.ts';
import {
  type Subscription,
  storeSubscription,
  subscriptionTable,
  updateSubscription,
} from './subscription-state.ts';

/** Makes the setup intent that a client confirms when nothing is to be paid yet, with its event. */
export function startSetup(tx: Transaction, subscription: Subscription): Subscription {
  const { id } = startSetupIntent(tx, { customer: subscription.customer });
  return storeSubscription(tx, { ...subscription, pending_setup_intent: id });
}

/** A payment method has been set up: the subscription that has asked for it takes it. */
export function followSetup(tx: Transaction, setupIntentId: string): void {
  const intent: SetupIntent | undefined = tx.get(setupIntentTable, setupIntentId);
  if (!intent?.customer || !intent.payment_method) return;
  const index = { name: 'customer', key: intent.customer };
  for (const row of [...tx.table(subscriptionTable).oldestFirst({ index })]) {
    if (row.pending_setup_intent !== intent.id) continue;
    updateSubscription(tx, row, {
      default_payment_method: intent.payment_method,
      pending_setup_intent: null,
    });
  }
}
