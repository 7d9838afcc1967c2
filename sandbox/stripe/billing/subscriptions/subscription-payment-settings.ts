import type { CreateSubscription } from './subscription-parameters.ts';
import type { Subscription } from './subscription-state.ts';

type PaymentSettings = Subscription['payment_settings'];

/** How the invoices of a subscription are to be paid, as it is shown. @param before null for a new one */
export function paymentSettingsOf(
  before: PaymentSettings | null,
  asked: CreateSubscription['payment_settings'],
): PaymentSettings {
  return {
    payment_method_options: null,
    payment_method_types:
      asked?.payment_method_types === undefined
        ? (before?.payment_method_types ?? null)
        : asked.payment_method_types,
    save_default_payment_method:
      asked?.save_default_payment_method ?? before?.save_default_payment_method ?? 'off',
  };
}
