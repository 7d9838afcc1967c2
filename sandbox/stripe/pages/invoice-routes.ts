import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { collectInvoice } from '../billing/invoices/invoice-collection.ts';
import { paymentMethodNamed } from '../billing/payments/payment-method-attachment.ts';
import type { Simulation } from '../simulation.ts';
import { act, look } from './answers.ts';
import { hostedInvoice, renderInvoicePage } from './invoice-page.ts';
import { sendPage } from './send-page.ts';

const payment = z.object({ card: z.string(), authentication: z.enum(['passes', 'fails']).default('passes') });

/** The pages behind the `hosted_invoice_url` of invoices. */
export function invoicePages(app: FastifyInstance, simulation: Simulation): void {
  const url = '/i/:id/:secret';
  app.get<{ Params: { id: string } }>(url, (request, reply) => {
    const invoice = look(simulation, (tx) => hostedInvoice(tx, request.params.id, request.url));
    return sendPage(reply, invoice && renderInvoicePage(invoice));
  });
  app.post<{ Params: { id: string } }>(url, (request, reply) => {
    const { authentication, card } = payment.parse(request.body);
    const outcome = act(simulation, (tx) => {
      const invoice = hostedInvoice(tx, request.params.id, request.url);
      if (!invoice || invoice.amount_remaining === 0 || invoice.status === 'void') return null;
      const method = paymentMethodNamed(tx, card, 'card');
      return collectInvoice(tx, invoice, { authentication, offSession: false, paymentMethod: method.id })
        .outcome;
    });
    const refusal =
      'refusal' in outcome
        ? outcome.refusal
        : outcome.done?.kind === 'failed'
          ? outcome.done.error.message
          : undefined;
    const invoice = look(simulation, (tx) => hostedInvoice(tx, request.params.id, request.url));
    return sendPage(reply, invoice && renderInvoicePage(invoice, refusal), refusal === undefined ? 200 : 402);
  });
}
