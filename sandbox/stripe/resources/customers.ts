import { z } from 'zod';
import { invalidRequest, noSuchInParameter, noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import {
  boolean,
  clearableText,
  createdFilter,
  integer,
  isCreatedWithin,
  type Metadata,
  mergeMetadata,
  metadata,
  natural,
  sent,
  text,
} from '../api/parameters.ts';
import { searchRoute } from '../api/search/search.ts';
import {
  attachPaymentMethod,
  paymentMethodNamed,
  requireAttached,
} from '../billing/payments/payment-method-attachment.ts';
import { type Resource, route } from '../resource.ts';
import { defineTable } from '../state/table.ts';
import { testClockTable, timeOf } from '../state/test-clocks.ts';
import type { Transaction } from '../state/transaction.ts';

const address = z.union([
  z.literal(''),
  z.strictObject({
    city: z.string().optional(),
    country: z.string().optional(),
    line1: z.string().optional(),
    line2: z.string().optional(),
    postal_code: z.string().optional(),
    state: z.string().optional(),
  }),
]);

type Address = Readonly<
  Record<'city' | 'country' | 'line1' | 'line2' | 'postal_code' | 'state', string | null>
>;

/** What this simulator does not keep yet; always null, as in a plain customer. */
const inert = {
  customer_account: null,
  default_source: null,
  discount: null,
  shipping: null,
} as const;

export interface Customer extends Readonly<typeof inert> {
  readonly id: string;
  readonly object: 'customer';
  readonly address: Address | null;
  readonly balance: number;
  readonly created: number;
  readonly currency: string | null;
  readonly delinquent: boolean;
  readonly description: string | null;
  readonly email: string | null;
  readonly invoice_prefix: string;
  readonly invoice_settings: {
    readonly custom_fields: null;
    readonly default_payment_method: string | null;
    readonly footer: string | null;
    readonly rendering_options: null;
  };
  readonly livemode: false;
  readonly metadata: Metadata;
  readonly name: string | null;
  readonly next_invoice_sequence: number;
  readonly phone: string | null;
  readonly preferred_locales: readonly string[];
  readonly tax_exempt: 'none' | 'exempt' | 'reverse';
  /** The clock that its whole life goes by. */
  readonly test_clock: string | null;
}

/** What remains of a deleted customer, exactly as Stripe shows it. */
interface DeletedCustomer {
  readonly id: string;
  readonly object: 'customer';
  readonly deleted: true;
}

export const customerTable = defineTable<Customer>({
  noun: 'customer',
  indexes: { email: (row) => row.email, test_clock: (row) => row.test_clock },
});
/** Stripe's limit. */
const customersOnClockMax = 3;
const deletedCustomerTable = defineTable<DeletedCustomer>({ noun: 'customer', indexes: {} });

const fields = {
  address: address.optional(),
  description: clearableText.optional(),
  email: clearableText.optional(),
  invoice_settings: z
    .strictObject({ default_payment_method: clearableText.optional(), footer: clearableText.optional() })
    .optional(),
  metadata: metadata.optional(),
  name: clearableText.optional(),
  phone: clearableText.optional(),
  preferred_locales: z.array(text).optional(),
  tax_exempt: z.enum(['none', 'exempt', 'reverse']).optional(),
  balance: integer.optional(),
};
const createParameters = z.strictObject({
  ...fields,
  invoice_prefix: text.optional(),
  next_invoice_sequence: natural.optional(),
  payment_method: text.optional(),
  test_clock: text.optional(),
});
const updateParameters = z.strictObject({
  ...fields,
  invoice_prefix: text.optional(),
  next_invoice_sequence: natural.optional(),
  validate: boolean.optional(),
});

/** Makes a customer without its event. */
export function storeCustomer(
  tx: Transaction,
  parameters: Omit<z.infer<typeof createParameters>, 'payment_method'>,
): Customer {
  const clock = parameters.test_clock ?? null;
  if (clock !== null) requireRoomOn(tx, clock);
  return tx.put(customerTable, {
    id: tx.newId('cus'),
    object: 'customer',
    ...inert,
    address: toAddress(parameters.address),
    balance: parameters.balance ?? 0,
    created: timeOf(tx, clock),
    currency: null,
    delinquent: false,
    description: parameters.description ?? null,
    email: parameters.email ?? null,
    invoice_prefix: parameters.invoice_prefix ?? tx.account.ids.characters(8).toUpperCase(),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: parameters.invoice_settings?.default_payment_method ?? null,
      footer: parameters.invoice_settings?.footer ?? null,
      rendering_options: null,
    },
    livemode: false,
    metadata: mergeMetadata({}, parameters.metadata),
    name: parameters.name ?? null,
    next_invoice_sequence: parameters.next_invoice_sequence ?? 1,
    phone: parameters.phone ?? null,
    preferred_locales: parameters.preferred_locales ?? [],
    tax_exempt: parameters.tax_exempt ?? 'none',
    test_clock: clock,
  });
}

/** @throws StripeError 400 when there is no such test clock, or it has as many customers as it can */
function requireRoomOn(tx: Transaction, clock: string): void {
  if (!tx.get(testClockTable, clock)) throw noSuchInParameter('testclock', clock, 'test_clock');
  const index = { name: 'test_clock', key: clock };
  if ([...tx.table(customerTable).oldestFirst({ index })].length < customersOnClockMax) return;
  const message = `Test clock ${clock} already has the maximum of ${customersOnClockMax} customers.`;
  throw invalidRequest({ param: 'test_clock', message });
}

function create(tx: Transaction, parameters: z.infer<typeof createParameters>): Customer {
  const { payment_method, ...fields } = parameters;
  const wanted = fields.invoice_settings?.default_payment_method ?? null;
  const settings = { ...fields.invoice_settings, default_payment_method: null };
  const stored = storeCustomer(tx, { ...fields, invoice_settings: settings });
  const attached =
    payment_method === undefined
      ? undefined
      : attachPaymentMethod(tx, paymentMethodNamed(tx, payment_method, 'payment_method'), stored.id);
  // The default may be named as what it is attached from, such as `pm_card_visa`.
  const id = attached && wanted === payment_method ? attached.id : wanted;
  const invoice_settings = { ...stored.invoice_settings, ...defaultOf(tx, stored.id, id) };
  const customer = tx.put(customerTable, { ...stored, invoice_settings });
  tx.emit('customer.created', customer);
  return customer;
}

function defaultOf(
  tx: Transaction,
  customer: string,
  id: string | null | undefined,
): { default_payment_method?: string | null } {
  if (id === undefined || id === null) return sent({ default_payment_method: id });
  const param = 'invoice_settings[default_payment_method]';
  return { default_payment_method: requireAttached(tx, { id, customer, param }).id };
}

/** Writes a changed customer and its event. */
export function updateCustomer(tx: Transaction, before: Customer, changes: Partial<Customer>): Customer {
  const after = tx.put(customerTable, { ...before, ...changes });
  tx.emitUpdated('customer.updated', before, after);
  return after;
}

/** A customer that is named by a parameter. @throws StripeError 400, also when it is deleted */
export function customerInParameter(tx: Transaction, id: string, param: string): Customer {
  const customer = tx.get(customerTable, id);
  if (!customer) throw noSuchInParameter('customer', id, param);
  return customer;
}

/** Whether a customer is there or was there once. */
export function isKnownCustomer(tx: Transaction, id: string): boolean {
  return tx.get(customerTable, id) !== undefined || tx.get(deletedCustomerTable, id) !== undefined;
}

function update(tx: Transaction, id: string, parameters: z.infer<typeof updateParameters>): Customer {
  const before = existing(tx, id);
  const {
    metadata: metadataChange,
    invoice_settings,
    address: newAddress,
    validate: _,
    ...changes
  } = parameters;
  return updateCustomer(tx, before, {
    ...sent(changes),
    ...(newAddress === undefined ? {} : { address: toAddress(newAddress) }),
    invoice_settings: {
      ...before.invoice_settings,
      ...sent(invoice_settings ?? {}),
      ...defaultOf(tx, id, invoice_settings?.default_payment_method),
    },
    metadata: mergeMetadata(before.metadata, metadataChange),
  });
}

function remove(tx: Transaction, id: string): DeletedCustomer {
  const customer = existing(tx, id);
  tx.remove(customerTable, id);
  const stub = tx.put(deletedCustomerTable, { id, object: 'customer', deleted: true });
  tx.emit('customer.deleted', customer);
  return stub;
}

function removeAllOn(tx: Transaction, clock: string): void {
  const index = { name: 'test_clock', key: clock };
  for (const { id } of [...tx.table(customerTable).oldestFirst({ index })]) remove(tx, id);
}

function existing(tx: Transaction, id: string): Customer {
  const customer = tx.get(customerTable, id);
  if (!customer) throw noSuchInPath('customer', id);
  return customer;
}

function toAddress(sentAddress: z.infer<typeof address> | undefined): Address | null {
  if (sentAddress === undefined || sentAddress === '') return null;
  const empty = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };
  return { ...empty, ...sent(sentAddress) };
}

export const customers: Resource = {
  object: 'customer',
  keeps: 'contact, balance, default payment method, number of the next invoice; a stub of a deleted one',
  expandable: {
    default_source: 'source',
    'invoice_settings.default_payment_method': 'payment_method',
    test_clock: 'test_helpers.test_clock',
  },
  reactions: {
    'test_helpers.test_clock.deleted': (tx, clock) => {
      if ('id' in clock) removeAllOn(tx, String(clock.id));
    },
  },
  find: (tx, id) => tx.get(customerTable, id) ?? tx.get(deletedCustomerTable, id),
  routes: [
    searchRoute({ of: 'customers', table: customerTable, render: (_tx, row) => row }),
    route({
      method: 'POST',
      path: '/v1/customers',
      parameters: createParameters,
      handle: ({ tx, parameters }) => create(tx, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/customers/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => tx.get(deletedCustomerTable, id) ?? existing(tx, id),
    }),
    route({
      method: 'POST',
      path: '/v1/customers/:id',
      parameters: updateParameters,
      handle: ({ tx, id, parameters }) => update(tx, id, parameters),
    }),
    route({
      method: 'DELETE',
      path: '/v1/customers/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => remove(tx, id),
    }),
    route({
      method: 'GET',
      path: '/v1/customers',
      parameters: z.strictObject({
        ...listParameters,
        created: createdFilter,
        email: text.optional(),
        test_clock: text.optional(),
      }),
      handle: ({ tx, parameters }) =>
        pageOfTable(tx, {
          table: customerTable,
          index: parameters.email === undefined ? undefined : { name: 'email', key: parameters.email },
          parameters,
          where: (row) =>
            row.test_clock === (parameters.test_clock ?? null) &&
            isCreatedWithin(row.created, parameters.created),
          render: (row) => row,
          url: '/v1/customers',
        }),
    }),
  ],
};
