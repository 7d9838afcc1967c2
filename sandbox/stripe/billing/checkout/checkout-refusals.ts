import {
  invalidRequest,
  parameterMissing,
  paymentMethodTypesRefused,
  type StripeError,
} from '../../api/errors.ts';
import { customerInParameter, customerTable } from '../../resources/customers.ts';
import { timeOf } from '../../state/test-clocks.ts';
import type { Transaction } from '../../state/transaction.ts';
import type { CreateSession } from './checkout-parameters.ts';
import type { CheckoutSession } from './checkout-state.ts';

const daySeconds = 86_400;
const hourSeconds = 3_600;
/** Stripe counts from the moment of the request; so much is left for clocks that differ. */
const clockSlackSeconds = 60;
/** A trial that begins in Checkout is at least this long. */
const trialMinSeconds = 2 * daySeconds;

/** Parameters that belong to one mode. */
const modeOf = {
  payment_intent_data: 'payment',
  payment_method_collection: 'subscription',
  setup_intent_data: 'setup',
  subscription_data: 'subscription',
} as const satisfies Partial<Record<keyof CreateSession, CheckoutSession['mode']>>;

/** @throws StripeError 400 for parameters that do not go together */
export function refuseContradictions(
  tx: Transaction,
  parameters: CreateSession,
  mode: CheckoutSession['mode'],
): void {
  if (parameters.payment_method_types !== undefined) throw paymentMethodTypesRefused();
  for (const [param, only] of Object.entries(modeOf)) {
    if (Object.hasOwn(parameters, param) && mode !== only) {
      throw refused(param, `You can not pass \`${param}\` in \`${mode}\` mode.`);
    }
  }
  if (mode === 'setup' && parameters.line_items) {
    throw refused('line_items', 'You can not pass `line_items` in `setup` mode.');
  }
  refuseCustomers(tx, parameters, mode);
  refuseUrls(parameters);
  refuseExpiry(tx.now, parameters.expires_at);
  const customer = parameters.customer === undefined ? undefined : tx.get(customerTable, parameters.customer);
  refuseTrial(timeOf(tx, customer?.test_clock ?? null), parameters.subscription_data);
}

function refuseCustomers(tx: Transaction, parameters: CreateSession, mode: CheckoutSession['mode']): void {
  const { customer, customer_creation, customer_email, customer_update } = parameters;
  if (customer !== undefined) customerInParameter(tx, customer, 'customer');
  if (customer !== undefined && customer_email !== undefined) {
    throw refused(undefined, 'You may only specify one of these parameters: customer, customer_email.');
  }
  if (customer_creation !== undefined && (mode === 'subscription' || customer !== undefined)) {
    const message =
      '`customer_creation` can only be used in `payment` and `setup` mode and without `customer`.';
    throw refused('customer_creation', message);
  }
  if (customer_update && customer === undefined) {
    throw refused('customer_update', '`customer_update` can only be used with `customer`.');
  }
}

function refuseUrls(parameters: CreateSession): void {
  const { cancel_url, redirect_on_completion, return_url, success_url, ui_mode = 'hosted_page' } = parameters;
  if (ui_mode === 'hosted_page') {
    if (return_url !== undefined) throw notIn('return_url', ui_mode);
    if (redirect_on_completion !== undefined) throw notIn('redirect_on_completion', ui_mode);
    if (success_url === undefined) throw parameterMissing('success_url');
    return;
  }
  if (success_url !== undefined) throw notIn('success_url', ui_mode);
  if (cancel_url !== undefined) throw notIn('cancel_url', ui_mode);
  if (return_url === undefined && redirect_on_completion !== 'never') throw parameterMissing('return_url');
  if (return_url !== undefined && redirect_on_completion === 'never') {
    throw refused('return_url', '`return_url` can not be used with `redirect_on_completion: never`.');
  }
}

function refuseExpiry(now: number, expiresAt: number | undefined): void {
  if (expiresAt === undefined) return;
  const isSoon = expiresAt < now + hourSeconds / 2 - clockSlackSeconds;
  if (!isSoon && expiresAt <= now + daySeconds + clockSlackSeconds) return;
  const message =
    'The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.';
  throw refused('expires_at', message);
}

function refuseTrial(now: number, data: CreateSession['subscription_data']): void {
  if (data?.trial_end === undefined) return;
  if (data.trial_period_days !== undefined) {
    const message = 'You may only specify one of these parameters: trial_end, trial_period_days.';
    throw refused('subscription_data[trial_end]', message);
  }
  if (data.trial_end < now + trialMinSeconds - clockSlackSeconds) {
    const message = 'The `trial_end` date has to be at least 2 days in the future.';
    throw refused('subscription_data[trial_end]', message);
  }
}

function notIn(param: string, uiMode: string): StripeError {
  return refused(param, `You can not pass \`${param}\` when \`ui_mode\` is \`${uiMode}\`.`);
}

function refused(param: string | undefined, message: string): StripeError {
  return invalidRequest({ ...(param === undefined ? {} : { param }), message });
}
