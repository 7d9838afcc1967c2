import { sent } from '../../api/parameters.ts';
import { type Customer, customerTable, storeCustomer, updateCustomer } from '../../resources/customers.ts';
import type { Transaction } from '../../state/transaction.ts';
import { checked, paymentMethodNamed } from '../payments/payment-method-attachment.ts';
import {
  historyOf,
  type PaymentMethod,
  paymentMethodTable,
  storeHistory,
} from '../payments/payment-method-state.ts';
import type { BuyerAddress, CustomerDetails, StoredSession } from './checkout-state.ts';

/** What a buyer types on the page; when not given, what the session or its customer has. */
export interface BuyerInput {
  readonly email?: string | undefined;
  readonly name?: string | undefined;
  readonly phone?: string | undefined;
  readonly address?: { readonly [Part in keyof BuyerAddress]?: string | undefined } | undefined;
}

/** Who buys. */
export interface Buyer {
  readonly details: CustomerDetails;
  /** The session's customer. */
  readonly known: Customer | undefined;
}

export function buyerOf(tx: Transaction, { session }: StoredSession, input: BuyerInput): Buyer {
  const known = session.customer === null ? undefined : tx.get(customerTable, session.customer);
  const name = input.name ?? known?.name ?? null;
  const empty = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };
  return {
    known,
    details: {
      address: input.address ? { ...empty, ...sent(input.address) } : (known?.address ?? null),
      business_name: null,
      email: input.email ?? session.customer_email ?? known?.email ?? null,
      individual_name: name,
      name,
      phone: input.phone ?? known?.phone ?? null,
      tax_exempt: 'none',
      tax_ids: [],
    },
  };
}

/** Makes the customer of a purchase; its event is written by `emitCustomer`. */
export function storeBuyer(tx: Transaction, { details }: Buyer): Customer {
  const { address, email, name, phone } = details;
  const customer = storeCustomer(tx, { email, name, phone });
  return tx.put(customerTable, { ...customer, address });
}

/** Writes that a customer was made for this purchase, or what it has changed about a known one. */
export function emitCustomer(
  tx: Transaction,
  stored: StoredSession,
  { buyer, customer }: { buyer: Buyer; customer: Customer | null },
): void {
  if (customer === null) return;
  if (!buyer.known) {
    tx.emit('customer.created', customer);
    return;
  }
  const { details } = buyer;
  // As it is now: its first invoice has taken a number, and maybe the customer's balance.
  updateCustomer(tx, tx.get(customerTable, customer.id) ?? customer, {
    ...(customer.email === null ? { email: details.email } : {}),
    ...(stored.plan.updatesCustomerName ? { name: details.name } : {}),
    ...(stored.plan.updatesCustomerAddress ? { address: details.address } : {}),
  });
}

/**
 * The card that the buyer types in, with the buyer's name on it.
 * @param card a test token, or a payment method that is stored
 * @throws StripeError 400 when there is none
 */
export function buyersCard(tx: Transaction, card: string, { details }: Buyer): PaymentMethod {
  const method = paymentMethodNamed(tx, card, 'card');
  if (method.customer !== null) return method;
  const { address, email, name, phone } = details;
  const billing = method.billing_details;
  return tx.put(paymentMethodTable, {
    ...method,
    billing_details: { ...billing, address: address ?? billing.address, email, name, phone },
  });
}

/** Makes a card the customer's; its event is written later. @returns it when it was nobody's before */
export function keepCard(tx: Transaction, method: PaymentMethod, customer: string): PaymentMethod | null {
  if (method.customer !== null) return null;
  storeHistory(tx, { ...historyOf(tx, method.id), isUsedUp: true });
  return tx.put(paymentMethodTable, { ...checked(method), customer });
}
