import { productTable } from '../billing/catalog.ts';
import { invoiceTable } from '../billing/invoice-state.ts';
import { paymentMethodTable } from '../billing/payment-method-state.ts';
import { portalConfigurationTable } from '../billing/portal-configuration.ts';
import type { PortalFeatures } from '../billing/portal-features.ts';
import type { StoredPortalSession } from '../billing/portal-session.ts';
import { priceAmount } from '../billing/price-amount.ts';
import {
  hasEnded,
  lastPeriodEnd,
  priceOf,
  type Subscription,
  subscriptionTable,
} from '../billing/subscription-state.ts';
import { type Customer, customerTable } from '../resources/customers.ts';
import type { Transaction } from '../state/transaction.ts';
import { cardChoice } from './card-choice.ts';
import { rhythm } from './checkout-page.ts';
import { type Html, html } from './html.ts';
import { customerPage, day, table } from './layout.ts';
import { money } from './money.ts';

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
  const configuration = tx.get(portalConfigurationTable, session.shown.configuration)?.shown;
  const flow = state.isFlowDone ? null : session.shown.flow;
  return customerPage({
    title: configuration?.business_profile.headline ?? 'Billing',
    columns: 'one',
    body: html`<header>${returnUrl !== null && html`<p><a href="${returnUrl}">← Back to the shop</a></p>`}
<h1>${configuration?.business_profile.headline ?? 'Your billing'}</h1></header>
${message && html`<p class="notice ${message.kind}" role="status">${message.text}</p>`}
${customer && configuration ? sections(tx, { customer, features: configuration.features, flow }) : 'This account is closed.'}`,
  });
}

interface Shown {
  readonly customer: Customer;
  readonly features: PortalFeatures;
  /** The one thing to do; null: everything that is allowed. */
  readonly flow: StoredPortalSession['shown']['flow'];
}

function sections(tx: Transaction, shown: Shown): Html {
  const { customer, features, flow } = shown;
  const only = flow?.subscription_cancel ?? flow?.subscription_update ?? flow?.subscription_update_confirm;
  const subscriptions = [
    ...tx.table(subscriptionTable).newestFirst({ index: { name: 'customer', key: customer.id } }),
  ]
    .filter((row) => !hasEnded(row))
    .filter(({ id }) => flow === null || id === only?.subscription);
  const isAll = flow === null;
  return html`${subscriptions.map((row) => subscriptionCard(tx, shown, row))}
${isAll && subscriptions.length === 0 && html`<section class="card"><p class="soft">No subscription.</p></section>`}
${(isAll || flow.type === 'payment_method_update') && features.payment_method_update.enabled && cardCard(tx, customer)}
${(isAll || flow.type === 'customer_update') && features.customer_update.enabled && customerCard(customer, features)}
${isAll && features.invoice_history.enabled && invoicesCard(tx, customer)}`;
}

function subscriptionCard(tx: Transaction, shown: Shown, row: Subscription): Html {
  const end = row.cancel_at ?? lastPeriodEnd(row.items);
  return html`<section class="card"><h2>Subscription <span class="tag soft">${row.status}</span></h2>
${row.items.map((item) => {
  const price = priceOf(tx, item);
  return html`<div class="row"><span>${tx.get(productTable, price.product)?.name}${item.quantity !== undefined && html` × ${item.quantity}`}<br>
<small class="soft">${rhythm(price)}</small></span><span>${money(priceAmount(tx, price, item.quantity ?? 0), price.currency)}</span></div>`;
})}
<p class="soft">${row.cancel_at === null ? 'Renews' : 'Ends'} on ${day(end * 1_000)}</p>
<div class="actions">${actions(shown, row)}</div></section>`;
}

function actions({ features, flow }: Shown, row: Subscription): Html {
  const { subscription_cancel: cancel, subscription_update: update } = features;
  const may = (type: 'subscription_cancel' | 'subscription_update'): boolean =>
    features[type].enabled && (flow === null || flow.type === type);
  const confirmation = flow?.subscription_update_confirm;
  const isEnding = row.cancel_at !== null;
  return html`${may('subscription_update') && update.default_allowed_updates.includes('quantity') && row.items.map((item) => item.quantity !== undefined && quantityForm(row, item))}
${confirmation && confirmForm(row, confirmation.items)}
${may('subscription_cancel') && isEnding && button('renew', row, 'Don’t cancel')}
${may('subscription_cancel') && !isEnding && button('cancel', row, cancel.mode === 'immediately' ? 'Cancel now' : 'Cancel at the end of the period')}`;
}

function button(action: string, { id }: Subscription, label: string): Html {
  return html`<form method="post"><input type="hidden" name="action" value="${action}">
<input type="hidden" name="subscription" value="${id}"><button>${label}</button></form>`;
}

function quantityForm({ id }: Subscription, item: Subscription['items'][number]): Html {
  return html`<form method="post"><input type="hidden" name="action" value="update">
<input type="hidden" name="subscription" value="${id}"><input type="hidden" name="items[0][id]" value="${item.id}">
<label>Quantity<input type="number" name="items[0][quantity]" value="${item.quantity}" min="0"></label>
<button class="main">Change</button></form>`;
}

function confirmForm(
  { id }: Subscription,
  items: readonly { readonly id: string; readonly price?: string; readonly quantity?: number }[],
): Html {
  return html`<form method="post"><input type="hidden" name="action" value="update">
<input type="hidden" name="subscription" value="${id}">
${items.map(
  (item, index) => html`<input type="hidden" name="items[${index}][id]" value="${item.id}">
${item.price !== undefined && html`<input type="hidden" name="items[${index}][price]" value="${item.price}">`}
${item.quantity !== undefined && html`<input type="hidden" name="items[${index}][quantity]" value="${item.quantity}">`}
<p>New: ${item.price} ${item.quantity !== undefined && html`quantity ${item.quantity}`}</p>`,
)}
<button class="main">Confirm</button></form>`;
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
      invoice.number,
      money(invoice.total, invoice.currency),
      invoice.status,
    ]);
  return html`<section class="card"><h2>Invoices</h2>${table(['date', 'number', 'total', 'status'], rows)}</section>`;
}
