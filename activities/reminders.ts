import type { CustomerSnapshot } from '../db/billing-projection.ts';
import type { Transaction } from '../db/connect.ts';
import { contactOf, queueNotification } from '../db/notifications.ts';
import type { PendingEvent } from '../domain/billing-sync.ts';
import { stripeCustomerIdSchema } from '../domain/ids.ts';
import { DEFAULT_LOCALE } from '../domain/notification.ts';
import { type Reminder, remindersOf } from '../domain/reminders.ts';
import { retrieveCustomer } from '../stripe/customers.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** A reminder with whom it is for. */
export type AddressedReminder = Reminder & { email: string | null; hasPaymentMethod: boolean };

/** The mails that a customer's events call for; Stripe is asked for the customer only when there are any. */
export async function remindersFor(
  { stripe, dunningPolicy, now }: Pick<ActivityDependencies, 'stripe' | 'dunningPolicy' | 'now'>,
  { snapshot, events }: { snapshot: CustomerSnapshot; events: readonly PendingEvent[] },
): Promise<AddressedReminder[]> {
  const { subscriptions } = snapshot;
  const reminders = remindersOf({ events, subscriptions, policy: dunningPolicy.policy, now: now() });
  if (reminders.length === 0) return [];
  const found = await retrieveCustomer(stripe, stripeCustomerIdSchema.parse(snapshot.customer));
  if (found === null || found.deleted) return [];
  const { email, hasPaymentMethod } = found;
  return reminders.map((reminder) => ({ ...reminder, email, hasPaymentMethod }));
}

/** Puts them into the outbox, in the transaction that settles their events; the sweep sends them. */
export async function queueReminders(
  transaction: Transaction,
  options: {
    tenant: string;
    reminders: readonly AddressedReminder[];
    dependencies: Pick<ActivityDependencies, 'appUrl' | 'dunningPolicy'>;
  },
): Promise<void> {
  const { tenant, reminders, dependencies } = options;
  if (reminders.length === 0) return;
  const contact = await contactOf(transaction, tenant);
  for (const { kind, dedupeKey, at, amount, email, hasPaymentMethod } of reminders) {
    const shared = {
      client_name: contact.clientName,
      app_url: dependencies.appUrl,
      time_zone: contact.timeZone ?? dependencies.dunningPolicy.policy.time_zone,
      amount,
    };
    await queueNotification(transaction, {
      tenant,
      dedupeKey,
      kind,
      recipient: email ?? contact.email,
      locale: contact.locale ?? DEFAULT_LOCALE,
      payload:
        kind === 'renewal_reminder'
          ? { ...shared, renews_at: at.toISOString() }
          : { ...shared, ends_at: at.toISOString(), has_payment_method: hasPaymentMethod },
      dunningCaseId: null,
    });
  }
}
