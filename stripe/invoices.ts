import type Stripe from 'stripe';
import { z } from 'zod';
import {
  type StripeCustomerId,
  type StripeInvoiceId,
  stripeCustomerIdSchema,
  stripeInvoiceIdSchema,
  stripeSubscriptionIdSchema,
} from '../domain/ids.ts';
import {
  COLLECTION_METHODS,
  INVOICE_STATUSES,
  type Invoice,
  type InvoicePayment,
} from '../domain/invoice.ts';
import { expandableId, instant, optionalInstant, optionalText, readAnswer } from './answers.ts';
import { declineCodeOf, isResourceMissing, stripeFailure } from './errors.ts';
import { writeOnce } from './write-once.ts';

/** Stripe's page limit; the newest of a customer's invoices. */
const PAGE_SIZE = 100;
/** Of a customer with more invoices than a page holds, the open ones are listed by themselves, at most so many. */
const OPEN_INVOICES_MAX = 500;

const minor = z.int();

const invoiceSchema = z
  .object({
    id: stripeInvoiceIdSchema,
    customer: expandableId.pipe(stripeCustomerIdSchema),
    parent: z
      .object({
        subscription_details: z
          .object({ subscription: expandableId.pipe(stripeSubscriptionIdSchema) })
          .nullish(),
      })
      .nullish(),
    number: optionalText,
    status: z.enum(['draft', ...INVOICE_STATUSES]),
    billing_reason: optionalText,
    collection_method: z.enum(COLLECTION_METHODS),
    currency: z.string().regex(/^[a-z]{3}$/),
    amount_due: minor,
    amount_paid: minor,
    amount_remaining: minor,
    attempt_count: z.int().min(0),
    next_payment_attempt: optionalInstant,
    due_date: optionalInstant,
    hosted_invoice_url: optionalText,
    created: instant,
    status_transitions: z.object({ finalized_at: optionalInstant }),
  })
  .transform(({ status, ...answer }) =>
    status === 'draft'
      ? null
      : ({
          id: answer.id,
          customerId: answer.customer,
          subscriptionId: answer.parent?.subscription_details?.subscription ?? null,
          number: answer.number,
          status,
          billingReason: answer.billing_reason,
          collectionMethod: answer.collection_method,
          currency: answer.currency,
          amountDueMinor: answer.amount_due,
          amountPaidMinor: answer.amount_paid,
          amountRemainingMinor: answer.amount_remaining,
          attemptCount: answer.attempt_count,
          nextPaymentAttempt: answer.next_payment_attempt,
          dueDate: answer.due_date,
          hostedInvoiceUrl: answer.hosted_invoice_url,
          createdAt: answer.created,
          finalizedAt: answer.status_transitions.finalized_at,
        } satisfies Invoice),
  );

/**
 * A customer's invoices that were finalized: the newest hundred, and all that are open. One request, two for whom there
 * are more than that.
 *
 * @returns an empty list also for a customer that Stripe doesn't know or that was deleted
 */
export async function listInvoices(stripe: Stripe, customer: StripeCustomerId): Promise<Invoice[]> {
  try {
    const newest = await stripe.invoices.list({ customer, limit: PAGE_SIZE });
    const open = newest.has_more
      ? await stripe.invoices
          .list({ customer, status: 'open', limit: PAGE_SIZE })
          .autoPagingToArray({ limit: OPEN_INVOICES_MAX })
      : [];
    const invoices = new Map<string, Invoice>();
    for (const answer of [...newest.data, ...open]) {
      const invoice = readAnswer(invoiceSchema, answer);
      if (invoice !== null) invoices.set(invoice.id, invoice);
    }
    return [...invoices.values()];
  } catch (error) {
    if (isResourceMissing(error)) return [];
    throw stripeFailure(error);
  }
}

const openPageSchema = z.object({ data: z.array(z.unknown()), has_more: z.boolean() });

/**
 * One page of all open invoices of the account, newest first.
 *
 * @param options.from the first second of creation, unix seconds; `before` is the second after the last one
 * @param options.after the id after which the page begins; null for the first page
 */
export async function listOpenInvoicePage(
  stripe: Stripe,
  options: { from: number; before: number; after: string | null },
): Promise<{ invoices: Invoice[]; hasMore: boolean }> {
  try {
    const answer = await stripe.invoices.list({
      status: 'open',
      limit: PAGE_SIZE,
      created: { gte: options.from, lt: options.before },
      ...(options.after !== null && { starting_after: options.after }),
    });
    const page = readAnswer(openPageSchema, answer);
    const invoices = page.data.map((each) => readAnswer(invoiceSchema, each)).filter((each) => each !== null);
    return { invoices, hasMore: page.has_more };
  } catch (error) {
    throw stripeFailure(error);
  }
}

/** @returns null when Stripe doesn't know the id, or when the invoice is a draft still */
export async function retrieveInvoice(stripe: Stripe, id: StripeInvoiceId): Promise<Invoice | null> {
  try {
    return readAnswer(invoiceSchema, await stripe.invoices.retrieve(id));
  } catch (error) {
    if (isResourceMissing(error)) return null;
    throw stripeFailure(error);
  }
}

const customerSchema = z.object({ customer: expandableId.pipe(stripeCustomerIdSchema) });

/** Whose invoice it is, be it a draft still. @returns null when Stripe doesn't know the id */
export async function retrieveInvoiceCustomer(
  stripe: Stripe,
  id: StripeInvoiceId,
): Promise<StripeCustomerId | null> {
  try {
    return readAnswer(customerSchema, await stripe.invoices.retrieve(id)).customer;
  } catch (error) {
    if (isResourceMissing(error)) return null;
    throw stripeFailure(error);
  }
}

const paymentIntentSchema = z.object({
  id: z.string(),
  status: z.string(),
  last_payment_error: z.object({ code: optionalText, decline_code: optionalText }).nullish(),
});

const paymentsSchema = z.object({
  payments: z
    .object({
      data: z.array(
        z.object({
          is_default: z.boolean(),
          payment: z.object({ payment_intent: paymentIntentSchema.nullish() }),
        }),
      ),
    })
    .nullish(),
});

const chargeSchema = z.object({ status: z.string(), created: instant });

/**
 * How the payment of an invoice that was tried stands.
 *
 * @param options.withFirstFailure asks for the charges too; one request more
 */
export async function retrieveInvoicePayment(
  stripe: Stripe,
  options: { invoice: StripeInvoiceId; withFirstFailure: boolean },
): Promise<InvoicePayment> {
  try {
    const answer = await stripe.invoices.retrieve(options.invoice, {
      expand: ['payments.data.payment.payment_intent'],
    });
    const payments = readAnswer(paymentsSchema, answer).payments?.data ?? [];
    const intent = (payments.find((payment) => payment.is_default) ?? payments[0])?.payment.payment_intent;
    if (!intent) return { state: 'failed', declineCode: null, firstFailedAt: null };
    const error = intent.last_payment_error;
    // The bank asks the customer: whatever code stands there, that is what has to happen.
    const asked = intent.status === 'requires_action' ? 'authentication_required' : null;
    return {
      state: intent.status === 'processing' ? 'processing' : 'failed',
      declineCode: asked ?? error?.decline_code ?? error?.code ?? null,
      firstFailedAt: options.withFirstFailure ? await firstFailure(stripe, intent.id) : null,
    };
  } catch (error) {
    throw stripeFailure(error);
  }
}

/** A payment intent is tried some ten times at most, so a page holds all of its charges. */
async function firstFailure(stripe: Stripe, paymentIntent: string): Promise<Date | null> {
  const { data } = await stripe.charges.list({ payment_intent: paymentIntent, limit: PAGE_SIZE });
  const failed = data
    .map((charge) => readAnswer(chargeSchema, charge))
    .filter((charge) => charge.status === 'failed')
    .map((charge) => charge.created.getTime());
  return failed.length === 0 ? null : new Date(Math.min(...failed));
}

/** What became of a try to charge an invoice now. */
type PaymentTry = { paid: true } | { paid: false; declineCode: string };

/**
 * Charges an open invoice now. A card that is declined is an answer; so is an invoice that was paid meanwhile.
 *
 * @param options.idempotencyKey of the one decision to charge: the same key brings the same answer for a day
 * @throws Failure what Stripe's answer is named
 */
export async function payInvoice(
  stripe: Stripe,
  options: { invoice: StripeInvoiceId; idempotencyKey: string },
): Promise<PaymentTry> {
  let declineCode: string | undefined;
  await writeOnce({
    idempotencyKey: options.idempotencyKey,
    isDone: async () =>
      declineCode !== undefined || (await retrieveInvoice(stripe, options.invoice))?.status === 'paid',
    write: async (idempotencyKey) => {
      try {
        await stripe.invoices.pay(options.invoice, {}, { idempotencyKey });
      } catch (error) {
        declineCode = declineCodeOf(error);
        if (declineCode === undefined) throw error;
      }
    },
  });
  return declineCode === undefined ? { paid: true } : { paid: false, declineCode };
}

/**
 * Writes an open invoice off. One that was paid, voided or written off meanwhile is left as it is.
 *
 * @throws Failure what Stripe's answer is named
 */
export async function markUncollectible(
  stripe: Stripe,
  options: { invoice: StripeInvoiceId; idempotencyKey: string },
): Promise<void> {
  await writeOnce({
    idempotencyKey: options.idempotencyKey,
    isDone: async () => (await retrieveInvoice(stripe, options.invoice))?.status !== 'open',
    write: (idempotencyKey) => stripe.invoices.markUncollectible(options.invoice, {}, { idempotencyKey }),
  });
}
