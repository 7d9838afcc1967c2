import { type Invoice, invoiceTable } from '../billing/invoices/invoice-state.ts';
import type { Transaction } from '../state/transaction.ts';
import { cardChoice } from './card-choice.ts';
import { html } from './html.ts';
import { customerPage, day } from './layout.ts';
import { money } from './money.ts';

/** The invoice behind a `hosted_invoice_url`; undefined when there is none. */
export function hostedInvoice(tx: Transaction, id: string, path: string): Invoice | undefined {
  const invoice = tx.get(invoiceTable, id);
  return invoice?.hosted_invoice_url?.endsWith(path) ? invoice : undefined;
}

/** The page on which a customer sees an invoice and pays it. @param refusal why it was not paid just now */
export function renderInvoicePage(invoice: Invoice, refusal?: string): string {
  const { amount_remaining: due, currency, lines, number, status, total } = invoice;
  const isPayable = due > 0 && (status === 'open' || status === 'uncollectible');
  return customerPage({
    title: `Invoice ${number ?? ''}`,
    columns: 'two',
    body: html`<section><h1>Invoice ${number}</h1>
<p class="soft">${invoice.customer_name ?? invoice.customer_email}, ${day(invoice.created * 1_000)} <span class="tag">${status}</span></p>
<div class="amount">${money(due, currency)}</div>
${lines.map(({ amount, description }) => html`<div class="row"><span>${description}</span><span>${money(amount, currency)}</span></div>`)}
<div class="row total"><span>Total</span><span>${money(total, currency)}</span></div></section>
<section class="card">${
      isPayable
        ? html`<form method="post">
${refusal !== undefined && html`<p class="notice bad" role="alert">${refusal}</p>`}
${cardChoice()}<button class="main">Pay</button></form>`
        : html`<p>Nothing is to be paid.</p>`
    }</section>`,
  });
}
