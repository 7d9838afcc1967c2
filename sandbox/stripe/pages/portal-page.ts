import { invoiceTable } from '../billing/invoices/invoice-state.ts';
import { paymentMethodTable } from '../billing/payments/payment-method-state.ts';
import { portalConfigurationTable } from '../billing/portal/portal-configuration.ts';
import type { PortalFeatures } from '../billing/portal/portal-features.ts';
import type { StoredPortalSession } from '../billing/portal/portal-session.ts';
import { hasEnded, subscriptionTable } from '../billing/subscriptions/subscription-state.ts';
import { type Customer, customerTable } from '../resources/customers.ts';
import type { Transaction } from '../state/transaction.ts';
import { cardChoice } from './card-choice.ts';
import { type Html, html } from './html.ts';
import { customerPage, day, table } from './layout.ts';
import { money } from './money.ts';
import { type PortalView, subscriptionCard } from './portal-subscriptions.ts';

/** Invoices in the list. */
const invoicesShown = 12;

/** What a customer is told after they did something. */
export interface PortalMessage {
  readonly kind: 'good' | 'bad';
  readonly text: string;
}

/** The page behind a portal session's `url`. @param isFlowDone whether the one thing it leads through is done */
export function renderPortalPage(
  tx: Transaction,
  session: StoredPortalSession,
  state: { message?: PortalMessage | undefined; isFlowDone?: boolean } = {},
): string {
  const { message } = state;
  const { return_url: returnUrl } = session.shown;
  const customer = tx.get(customerTable, session.shown.customer);
  const configuration = tx.get(portalConfigurationTable, session.shown.configuration);
  const flow = state.isFlowDone ? null : session.shown.flow;
  return customerPage({
    title: configuration?.shown.business_profile.headline ?? 'Billing',
    columns: 'one',
    body: html`<header>${returnUrl !== null && html`<p><a href="${returnUrl}">← Back to the shop</a></p>`}
<h1>${configuration?.shown.business_profile.headline ?? 'Your billing'}</h1></header>
${message && html`<p class="notice ${message.kind}" role="status">${message.text}</p>`}
${customer && configuration ? sections(tx, { configuration, customer, flow }) : 'This account is closed.'}`,
  });
}

function sections(tx: Transaction, view: PortalView): Html {
  const { configuration, customer, flow } = view;
  const { features } = configuration.shown;
  const only = flow?.subscription_cancel ?? flow?.subscription_update ?? flow?.subscription_update_confirm;
  const subscriptions = [
    ...tx.table(subscriptionTable).newestFirst({ index: { name: 'customer', key: customer.id } }),
  ]
    .filter((row) => !hasEnded(row))
    .filter(({ id }) => flow === null || id === only?.subscription);
  const isAll = flow === null;
  return html`${subscriptions.map((row) => subscriptionCard(tx, view, row))}
${isAll && subscriptions.length === 0 && html`<section class="card"><p class="soft">No subscription.</p></section>`}
${(isAll || flow.type === 'payment_method_update') && features.payment_method_update.enabled && cardCard(tx, customer)}
${(isAll || flow.type === 'customer_update') && features.customer_update.enabled && customerCard(customer, features)}
${isAll && features.invoice_history.enabled && invoicesCard(tx, customer)}`;
}

function cardCard(tx: Transaction, customer: Customer): Html {
  const { default_payment_method: id } = customer.invoice_settings;
  const method = id === null ? undefined : tx.get(paymentMethodTable, id);
  const now = method?.type === 'card' ? `${method.card.brand} •••• ${method.card.last4}` : method?.type;
  return html`<section class="card"><h2>Payment method</h2>
<p>${now ?? html`<span class="soft">None is set for the whole account.</span>`}</p>
<form method="post"><input type="hidden" name="action" value="card">${cardChoice()}
<button class="main">Use this one</button></form></section>`;
}

function customerCard(
  customer: Customer,
  { customer_update: { allowed_updates: allowed } }: PortalFeatures,
): Html {
  const field = (name: 'email' | 'name' | 'phone', label: string): Html | false =>
    allowed.includes(name) && html`<label>${label}<input name="${name}" value="${customer[name]}"></label>`;
  return html`<section class="card"><h2>Billing information</h2>
<form method="post"><input type="hidden" name="action" value="customer">
${field('name', 'Name')}${field('email', 'E-mail')}${field('phone', 'Phone')}
<button class="main">Save</button></form></section>`;
}

function invoicesCard(tx: Transaction, { id }: Customer): Html {
  const rows = [...tx.table(invoiceTable).newestFirst({ index: { name: 'customer', key: id } })]
    .filter(({ status }) => status !== 'draft')
    .slice(0, invoicesShown)
    .map((invoice) => [
      day(invoice.created * 1_000),
      invoice.hosted_invoice_url !== null &&
        html`<a href="${invoice.hosted_invoice_url}">${invoice.number}</a>`,
      money(invoice.total, invoice.currency),
      invoice.status,
    ]);
  return html`<section class="card"><h2>Invoices</h2>${table(['date', 'number', 'total', 'status'], rows)}</section>`;
}
