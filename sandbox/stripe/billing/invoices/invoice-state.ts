import { embeddedList } from '../../api/lists.ts';
import type { Metadata } from '../../api/parameters.ts';
import type { Customer } from '../../resources/customers.ts';
import { type Due, defineTable } from '../../state/table.ts';
import type { Subscription } from '../subscriptions/subscription-state.ts';
import type { InvoiceLine } from './invoice-line-state.ts';

/** What this simulator does not keep; as in a plain invoice. */
export const inertInvoice = {
  account_country: 'US',
  account_name: 'Simulated account',
  account_tax_ids: null,
  amount_overpaid: 0,
  amount_shipping: 0,
  application: null,
  automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
  custom_fields: null,
  customer_account: null,
  customer_shipping: null,
  customer_tax_ids: [],
  default_source: null,
  default_tax_rates: [],
  discounts: [],
  from_invoice: null,
  issuer: { type: 'self' },
  last_finalization_error: null,
  latest_revision: null,
  livemode: false,
  on_behalf_of: null,
  payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
  post_payment_credit_notes_amount: 0,
  pre_payment_credit_notes_amount: 0,
  receipt_number: null,
  rendering: null,
  shipping_cost: null,
  shipping_details: null,
  total_discount_amounts: [],
  total_pretax_credit_amounts: [],
  total_taxes: [],
} as const;

export type BillingReason =
  | 'manual'
  | 'subscription_create'
  | 'subscription_cycle'
  | 'subscription_update'
  | 'upcoming';

export type UncollectibleReason =
  | 'max_payment_attempts'
  | 'payment_not_received'
  | 'subscription_canceled'
  | 'subscription_paused'
  | 'user_forgiven';

/** Sums of an invoice, in minor units. */
export interface InvoiceAmounts {
  readonly amount_due: number;
  readonly amount_paid: number;
  /** What was paid outside Stripe; part of `amount_paid`. */
  readonly amount_paid_off_stripe: number;
  readonly amount_remaining: number;
  readonly ending_balance: number | null;
  readonly starting_balance: number;
  readonly subtotal: number;
  readonly subtotal_excluding_tax: number;
  readonly total: number;
  readonly total_excluding_tax: number;
}

/** What the API does not show. */
interface InvoiceInternals {
  /** The event whose acknowledgement automatic finalization waits for. */
  readonly createdEvent: string | null;
  /** From these the due date follows when the invoice is finalized. */
  readonly daysUntilDue: number | null;
  /** What is told next about the due date of a sent invoice; null: nothing any more. */
  readonly notice: 'will_be_due' | 'overdue' | null;
}

/** As stored; shown with its lines as a list and without internals. Amounts are minor units. */
export interface Invoice extends Readonly<typeof inertInvoice>, InvoiceAmounts {
  readonly id: string;
  readonly object: 'invoice';
  readonly attempt_count: number;
  readonly attempted: boolean;
  readonly auto_advance: boolean;
  readonly automatically_finalizes_at: number | null;
  readonly billing_reason: BillingReason;
  readonly collection_method: Subscription['collection_method'];
  readonly created: number;
  readonly currency: string;
  readonly customer: string;
  readonly customer_address: Customer['address'];
  readonly customer_email: string | null;
  readonly customer_name: string | null;
  readonly customer_phone: string | null;
  readonly customer_tax_exempt: Customer['tax_exempt'];
  readonly default_payment_method: string | null;
  readonly description: string | null;
  readonly due_date: number | null;
  readonly effective_at: number | null;
  readonly footer: string | null;
  readonly hosted_invoice_url: string | null;
  readonly internals: InvoiceInternals;
  readonly invoice_pdf: string | null;
  readonly lines: readonly InvoiceLine[];
  readonly metadata: Metadata;
  readonly next_payment_attempt: number | null;
  readonly number: string | null;
  readonly parent: {
    readonly quote_details: null;
    readonly subscription_details: { readonly metadata: Metadata; readonly subscription: string };
    readonly type: 'subscription_details';
  } | null;
  readonly period_end: number;
  readonly period_start: number;
  readonly statement_descriptor: string | null;
  readonly status: 'draft' | 'open' | 'paid' | 'uncollectible' | 'void';
  readonly status_details?: { readonly uncollectible?: { readonly reason: UncollectibleReason | null } };
  readonly status_transitions: {
    readonly finalized_at: number | null;
    readonly marked_uncollectible_at: number | null;
    readonly paid_at: number | null;
    readonly voided_at: number | null;
  };
  readonly test_clock: string | null;
  readonly webhooks_delivered_at: number | null;
}

export const invoiceTable = defineTable<Invoice>({
  noun: 'invoice',
  indexes: { customer: (row) => row.customer, subscription: (row) => subscriptionIdOf(row) },
  due: dueMoment,
});

/** The subscription that an invoice bills; null for one that was made by hand. */
export function subscriptionIdOf(invoice: Pick<Invoice, 'parent'>): string | null {
  return invoice.parent?.subscription_details.subscription ?? null;
}

/** The invoice as the API and its events show it. */
export function renderInvoice(row: Invoice): object {
  const { internals: _, ...shown } = row;
  return { ...shown, lines: embeddedList(row.lines, `/v1/invoices/${row.id}/lines`) };
}

/** Stripe tells about a due date this long before. */
export const dueNoticeSeconds = 7 * 86_400;

/** When something happens to an invoice by itself: it is finalized, charged again, or its due date is told. */
function dueMoment(row: Invoice): Due | null {
  const at = row.status === 'draft' ? row.automatically_finalizes_at : openMoment(row);
  return at === null ? null : { at, clock: row.test_clock };
}

function openMoment(row: Invoice): number | null {
  if (row.status !== 'open') return null;
  if (row.collection_method === 'charge_automatically') return row.next_payment_attempt;
  if (row.due_date === null || row.internals.notice === null) return null;
  return row.internals.notice === 'overdue' ? row.due_date : row.due_date - dueNoticeSeconds;
}
