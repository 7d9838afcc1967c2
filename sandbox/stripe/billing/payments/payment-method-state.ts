import type { Metadata } from '../../api/parameters.ts';
import { defineTable } from '../../state/table.ts';
import type { Transaction } from '../../state/transaction.ts';

export interface BillingDetails {
  readonly address: Readonly<
    Record<'city' | 'country' | 'line1' | 'line2' | 'postal_code' | 'state', string | null>
  >;
  readonly email: string | null;
  readonly name: string | null;
  readonly phone: string | null;
  readonly tax_id: null;
}

/** The `card` of a payment method. */
export interface CardDetails {
  readonly brand: string;
  readonly checks: {
    readonly address_line1_check: string | null;
    readonly address_postal_code_check: string | null;
    readonly cvc_check: string | null;
  };
  readonly country: string;
  readonly display_brand: string;
  readonly exp_month: number;
  readonly exp_year: number;
  readonly fingerprint: string;
  readonly funding: 'credit' | 'debit' | 'prepaid';
  readonly generated_from: null;
  readonly last4: string;
  readonly networks: { readonly available: readonly string[]; readonly preferred: null };
  readonly regulated_status: 'unregulated';
  readonly three_d_secure_usage: { readonly supported: boolean };
  readonly wallet: null;
}

/** The `us_bank_account` of a payment method. */
export interface BankAccountDetails {
  readonly account_holder_type: 'company' | 'individual';
  readonly account_type: 'checking' | 'savings';
  readonly bank_name: string;
  readonly financial_connections_account: null;
  readonly fingerprint: string;
  readonly last4: string;
  readonly networks: { readonly preferred: 'ach'; readonly supported: readonly string[] };
  readonly routing_number: string;
  readonly status_details: object;
}

interface PaymentMethodBase {
  readonly id: string;
  readonly object: 'payment_method';
  readonly allow_redisplay: 'always' | 'limited' | 'unspecified';
  readonly billing_details: BillingDetails;
  readonly created: number;
  readonly customer: string | null;
  readonly customer_account: null;
  readonly livemode: false;
  readonly metadata: Metadata;
}

export type PaymentMethod = PaymentMethodBase &
  (
    | { readonly type: 'card'; readonly card: CardDetails }
    | { readonly type: 'us_bank_account'; readonly us_bank_account: BankAccountDetails }
  );

export const paymentMethodTable = defineTable<PaymentMethod>({
  noun: 'PaymentMethod',
  indexes: { customer: (row) => row.customer },
});

/** What the simulator knows of a payment method beside what it shows. */
export interface PaymentMethodHistory {
  /** The payment method's. */
  readonly id: string;
  /** The name of its entry in `payment-test-cards.ts`. */
  readonly testCard: string;
  /** The customer has authenticated it for payments without them. */
  readonly isSetUp: boolean;
  /** Whether it was a customer's, or was used without being one's: it can't be attached again. */
  readonly isUsedUp: boolean;
  readonly paymentsSucceeded: number;
}

const historyTable = defineTable<PaymentMethodHistory>({ noun: 'PaymentMethod', indexes: {} });

/** The history of a stored payment method. */
export function historyOf(tx: Transaction, paymentMethod: string): PaymentMethodHistory {
  const history = tx.get(historyTable, paymentMethod);
  if (!history) throw new Error(`payment method ${paymentMethod} has no history`);
  return history;
}

export function storeHistory(tx: Transaction, history: PaymentMethodHistory): void {
  tx.put(historyTable, history);
}
