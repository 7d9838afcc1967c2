/** What a field's values are: texts that are compared whole, texts that are compared by words, numbers. */
type SearchFieldType = 'token' | 'string' | 'numeric';

export interface SearchField {
  readonly type: SearchFieldType;
  /** What is compared, of the object as the API shows it; when not given, the property of the field's name. */
  readonly read?: (object: Readonly<Record<string, unknown>>) => unknown;
}

const token = { type: 'token' } as const;
const string = { type: 'string' } as const;
const numeric = { type: 'numeric' } as const;

function cardDetail(name: string): SearchField {
  return { type: 'token', read: (charge) => at(charge, `payment_method_details.card.${name}`) };
}

/** What can be searched by, as Stripe documents it; `metadata` can everywhere. */
export const searchFields = {
  charges: {
    amount: numeric,
    'billing_details.address.postal_code': token,
    created: numeric,
    currency: token,
    customer: token,
    disputed: token,
    'payment_method_details.card.brand': cardDetail('brand'),
    'payment_method_details.card.exp_month': cardDetail('exp_month'),
    'payment_method_details.card.exp_year': cardDetail('exp_year'),
    'payment_method_details.card.fingerprint': cardDetail('fingerprint'),
    'payment_method_details.card.last4': cardDetail('last4'),
    // "true": all of it, "false": a part, null: nothing was refunded.
    refunded: {
      type: 'token',
      read: (charge) => (charge.refunded ? true : Number(charge.amount_refunded) > 0 ? false : null),
    },
    status: token,
  },
  customers: { created: numeric, email: string, name: string, phone: string },
  invoices: {
    created: numeric,
    currency: token,
    customer: token,
    last_finalization_error_code: {
      type: 'token',
      read: (invoice) => at(invoice, 'last_finalization_error.code'),
    },
    last_finalization_error_type: {
      type: 'token',
      read: (invoice) => at(invoice, 'last_finalization_error.type'),
    },
    number: string,
    receipt_number: string,
    status: string,
    subscription: {
      type: 'string',
      read: (invoice) => at(invoice, 'parent.subscription_details.subscription'),
    },
    total: numeric,
  },
  payment_intents: {
    amount: numeric,
    created: numeric,
    currency: token,
    customer: token,
    status: token,
  },
  prices: { active: token, currency: token, lookup_key: string, product: string, type: token },
  products: { active: token, description: string, name: string, shippable: token, url: string },
  subscriptions: { canceled_at: numeric, created: numeric, status: string },
} as const satisfies Readonly<Record<string, Readonly<Record<string, SearchField>>>>;

/** A kind of object that can be searched for, by the last part of its path. */
export type Searchable = keyof typeof searchFields;

/** The property at the end of a dotted path; undefined where the path breaks off. */
export function at(object: unknown, path: string): unknown {
  let value = object;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.entries(value).find(([key]) => key === name)?.[1];
  }
  return value;
}
