import { cardRefused, invalidRequest } from '../../api/errors.ts';
import type { Metadata } from '../../api/parameters.ts';
import { defineTable } from '../../state/table.ts';
import type { Transaction } from '../../state/transaction.ts';
import { declineOf } from './payment-decline-codes.ts';
import { authenticationFailure, cardErrorOf, type PaymentError } from './payment-declines.ts';
import { givePaymentMethod, requireUsable, useUp } from './payment-method-attachment.ts';
import { historyOf, type PaymentMethod, storeHistory } from './payment-method-state.ts';
import { authenticationAction, storedMethod } from './payment-results.ts';
import { behaviourOf, wantsAuthentication } from './payment-verdict.ts';
import { type NextAction, paymentMethodTypes } from './payments.ts';

/** What this simulator does not keep; as in a plain setup intent. */
const inertSetup = {
  allowed_payment_method_types: null,
  application: null,
  customer_account: null,
  excluded_payment_method_types: null,
  flow_directions: null,
  livemode: false,
  managed_payments: null,
  mandate: null,
  on_behalf_of: null,
  payment_method_configuration_details: null,
  payment_method_options: {
    card: { mandate_options: null, network: null, request_three_d_secure: 'automatic' },
  },
  single_use_mandate: null,
} as const;

export interface SetupIntent extends Readonly<typeof inertSetup> {
  readonly id: string;
  readonly object: 'setup_intent';
  readonly automatic_payment_methods: {
    readonly allow_redirects: 'always' | 'never';
    readonly enabled: boolean;
  } | null;
  readonly cancellation_reason: 'abandoned' | 'duplicate' | 'requested_by_customer' | null;
  readonly client_secret: string;
  readonly created: number;
  readonly customer: string | null;
  readonly description: string | null;
  readonly last_setup_error: PaymentError | null;
  /** `setatt_…`; attempts themselves can't be read here. */
  readonly latest_attempt: string | null;
  readonly metadata: Metadata;
  readonly next_action: NextAction | null;
  readonly payment_method: string | null;
  readonly payment_method_types: readonly string[];
  readonly status:
    | 'requires_payment_method'
    | 'requires_confirmation'
    | 'requires_action'
    | 'canceled'
    | 'succeeded';
  readonly usage: 'off_session' | 'on_session';
}

export const setupIntentTable = defineTable<SetupIntent>({
  noun: 'setupintent',
  indexes: { customer: (row) => row.customer },
});

/** What is chosen about a new setup intent; what is not given is as in a plain one. */
export type NewSetupIntent = Pick<SetupIntent, 'customer'> &
  Partial<
    Pick<
      SetupIntent,
      'automatic_payment_methods' | 'description' | 'metadata' | 'payment_method' | 'status' | 'usage'
    >
  >;

/**
 * Makes a setup intent, with its event.
 * @param intent.status `requires_payment_method` when not given
 */
export function startSetupIntent(tx: Transaction, intent: NewSetupIntent): SetupIntent {
  const id = tx.newId('seti');
  const started = tx.put(setupIntentTable, {
    id,
    object: 'setup_intent',
    ...inertSetup,
    automatic_payment_methods: null,
    cancellation_reason: null,
    client_secret: `${id}_secret_${tx.account.ids.characters(25)}`,
    created: tx.now,
    description: null,
    last_setup_error: null,
    latest_attempt: null,
    metadata: {},
    next_action: null,
    payment_method: null,
    payment_method_types: paymentMethodTypes,
    status: 'requires_payment_method',
    usage: 'off_session',
    ...intent,
  });
  tx.emit('setup_intent.created', started);
  return started;
}

/**
 * Sets a payment method up for the customer; writes the events.
 * @throws StripeError 402 when the bank refuses it, which is remembered; 400 for what can't be confirmed
 */
export function confirmSetup(
  tx: Transaction,
  intent: SetupIntent,
  confirmation: { method: PaymentMethod; returnUrl: string | undefined },
): SetupIntent {
  const { method, returnUrl } = confirmation;
  requireConfirmable(intent);
  requireUsable(tx, method, { customer: intent.customer, object: 'SetupIntent' });
  const history = historyOf(tx, method.id);
  const behaviour = behaviourOf(history);
  const attempted = { ...intent, latest_attempt: tx.newId('setatt') };
  const { declineCode, declinesFrom = 'attaching' } = behaviour;
  if (declineCode !== undefined && declinesFrom === 'attaching') {
    const decline = declineOf(declineCode);
    const error = cardErrorOf({ decline, charge: null, paymentMethod: method });
    const failed = storeFailure(tx, attempted, error);
    const { type: _type, ...body } = error;
    throw cardRefused({ ...body, setup_intent: failed }, { keepsChanges: true });
  }
  // A card that is set up already wants no more for payments without the customer.
  if (wantsAuthentication(behaviour, { offSession: intent.usage === 'off_session', history })) {
    const asking = tx.put(setupIntentTable, {
      ...attempted,
      last_setup_error: null,
      next_action: authenticationAction(tx, returnUrl),
      payment_method: method.id,
      status: 'requires_action',
    });
    tx.emit('setup_intent.requires_action', asking);
    return asking;
  }
  return succeed(tx, attempted, method);
}

/**
 * The customer passes or fails the bank's check that a setup waits for; writes the events.
 * @throws StripeError when it does not wait for one
 */
export function finishSetup(tx: Transaction, intent: SetupIntent, isPassed: boolean): SetupIntent {
  if (intent.status !== 'requires_action' || intent.payment_method === null) {
    throw invalidRequest({
      message: `setup intent ${intent.id} does not wait for authentication: ${intent.status}`,
    });
  }
  const method = storedMethod(tx, intent.payment_method);
  if (isPassed) return succeed(tx, intent, method);
  return storeFailure(tx, intent, authenticationFailure(method, 'setup_intent_authentication_failure'));
}

function succeed(tx: Transaction, intent: SetupIntent, method: PaymentMethod): SetupIntent {
  storeHistory(tx, { ...historyOf(tx, method.id), isSetUp: true });
  if (method.customer === null && intent.customer !== null) givePaymentMethod(tx, method, intent.customer);
  else useUp(tx, method);
  const done = tx.put(setupIntentTable, {
    ...intent,
    last_setup_error: null,
    next_action: null,
    payment_method: method.id,
    status: 'succeeded',
  });
  tx.emit('setup_intent.succeeded', done);
  return done;
}

function storeFailure(tx: Transaction, intent: SetupIntent, error: PaymentError): SetupIntent {
  useUp(tx, error.payment_method);
  const failed = tx.put(setupIntentTable, {
    ...intent,
    last_setup_error: error,
    next_action: null,
    payment_method: null,
    status: 'requires_payment_method',
  });
  tx.emit('setup_intent.setup_failed', failed);
  return failed;
}

function requireConfirmable(intent: SetupIntent): void {
  if (intent.status !== 'succeeded' && intent.status !== 'canceled') return;
  const state = intent.status === 'succeeded' ? 'already succeeded' : 'been canceled';
  const message = `You cannot confirm this SetupIntent because it has ${state}.`;
  throw invalidRequest({ code: 'setup_intent_unexpected_state', message, setup_intent: intent });
}
