import { parameterMissing } from '../../api/errors.ts';
import { mergeMetadata } from '../../api/parameters.ts';
import type { Transaction } from '../../state/transaction.ts';
import { paymentMethodTypes } from '../payments/payments.ts';
import { amountNow, type CheckoutLine, linePrice, newLines } from './checkout-lines.ts';
import type { CreateSession } from './checkout-parameters.ts';
import { refuseContradictions } from './checkout-refusals.ts';
import { type CheckoutSession, checkoutSessionTable, inertSession } from './checkout-state.ts';

const daySeconds = 86_400;

/** Makes an open session; nothing else comes into being before it is paid. @throws StripeError 400 */
export function createSession(tx: Transaction, parameters: CreateSession): CheckoutSession {
  const { mode = missing('mode'), subscription_data: subscription = {} } = parameters;
  refuseContradictions(tx, parameters, mode);
  const hasTrial = (subscription.trial_period_days ?? 0) > 0 || subscription.trial_end !== undefined;
  const lines = mode === 'setup' ? [] : newLines(tx, parameters, { mode, hasTrial });
  const session = newSession(tx, parameters, { mode, lines });
  tx.put(checkoutSessionTable, {
    id: session.id,
    lines,
    plan: {
      paymentIntent: parameters.payment_intent_data ?? {},
      setupIntent: parameters.setup_intent_data ?? {},
      subscription,
      updatesCustomerAddress: parameters.customer_update?.address === 'auto',
      updatesCustomerName: parameters.customer_update?.name === 'auto',
    },
    session,
  });
  return session;
}

function newSession(
  tx: Transaction,
  parameters: CreateSession,
  { mode, lines }: { mode: CheckoutSession['mode']; lines: readonly CheckoutLine[] },
): CheckoutSession {
  const { ui_mode: uiMode = 'hosted_page' } = parameters;
  const id = tx.newId('cs_test');
  const total = mode === 'setup' ? null : amountNow(tx, lines);
  const isHosted = uiMode === 'hosted_page';
  return {
    id,
    object: 'checkout.session',
    ...inertSession,
    ...asSent(parameters),
    amount_subtotal: total,
    amount_total: total,
    automatic_tax: automaticTaxOf(parameters),
    client_secret: isHosted ? null : `${id}_secret_${tx.account.ids.characters(32)}`,
    created: tx.now,
    currency: currencyOf(tx, parameters, lines),
    customer_creation: customerCreation(parameters, mode),
    customer_details: null,
    expires_at: parameters.expires_at ?? tx.now + daySeconds,
    invoice: null,
    metadata: mergeMetadata({}, parameters.metadata),
    mode,
    payment_intent: null,
    payment_method_collection: collectionOf(parameters, mode),
    payment_method_types: paymentMethodTypes,
    payment_status: mode === 'setup' ? 'no_payment_required' : 'unpaid',
    ...(isHosted ? {} : embedding(parameters)),
    setup_intent: null,
    status: 'open',
    subscription: null,
    ui_mode: uiMode,
    url: isHosted ? `${tx.account.publicUrl()}/c/pay/${id}` : null,
  };
}

/** What is shown as it was sent, or null. */
function asSent(parameters: CreateSession) {
  const { tax_id_collection: taxIds } = parameters;
  return {
    adaptive_pricing: { enabled: parameters.adaptive_pricing?.enabled ?? false },
    allow_promotion_codes: parameters.allow_promotion_codes ?? null,
    allowed_payment_method_types: parameters.allowed_payment_method_types ?? null,
    billing_address_collection: parameters.billing_address_collection ?? null,
    cancel_url: parameters.cancel_url ?? null,
    client_reference_id: parameters.client_reference_id ?? null,
    customer: parameters.customer ?? null,
    customer_email: parameters.customer_email ?? null,
    integration_identifier: parameters.integration_identifier ?? null,
    locale: parameters.locale ?? null,
    origin_context: parameters.origin_context ?? null,
    phone_number_collection: { enabled: parameters.phone_number_collection?.enabled ?? false },
    submit_type: parameters.submit_type ?? null,
    success_url: parameters.success_url ?? null,
    ...(taxIds && {
      tax_id_collection: { enabled: taxIds.enabled, required: taxIds.required ?? 'never' },
    }),
  } satisfies Partial<CheckoutSession>;
}

function automaticTaxOf({ automatic_tax: tax }: CreateSession): CheckoutSession['automatic_tax'] {
  return tax?.enabled
    ? { enabled: true, liability: { type: 'self' }, provider: 'stripe', status: 'requires_location_inputs' }
    : { enabled: false, liability: null, provider: null, status: null };
}

/** A one-time payment of nothing needs no payment method. */
function collectionOf(
  { payment_method_collection: collection }: CreateSession,
  mode: CheckoutSession['mode'],
): CheckoutSession['payment_method_collection'] {
  if (mode === 'setup') return null;
  return collection ?? (mode === 'payment' ? 'if_required' : 'always');
}

/** What a session has that is part of a page of the shop. */
function embedding(
  parameters: CreateSession,
): Pick<CheckoutSession, 'redirect_on_completion' | 'return_url'> {
  const { redirect_on_completion = 'always', return_url } = parameters;
  return { redirect_on_completion, ...(return_url === undefined ? {} : { return_url }) };
}

function currencyOf(tx: Transaction, parameters: CreateSession, [line]: readonly CheckoutLine[]): string {
  if (line) return linePrice(tx, line).currency;
  return (parameters.currency ?? missing('currency')).toLowerCase();
}

function customerCreation(
  parameters: CreateSession,
  mode: CheckoutSession['mode'],
): CheckoutSession['customer_creation'] {
  if (parameters.customer !== undefined) return null;
  return parameters.customer_creation ?? (mode === 'subscription' ? 'always' : 'if_required');
}

function missing(param: string): never {
  throw parameterMissing(param);
}
