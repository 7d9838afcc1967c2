import { priceTable, productTable } from '../billing/catalog/catalog.ts';
import { priceAmount } from '../billing/catalog/price-amount.ts';
import type { StoredConfiguration } from '../billing/portal/portal-configuration.ts';
import type { PortalFlow } from '../billing/portal/portal-flow.ts';
import {
  lastPeriodEnd,
  priceOf,
  type Subscription,
  type SubscriptionItem,
} from '../billing/subscriptions/subscription-state.ts';
import type { Customer } from '../resources/customers.ts';
import type { Transaction } from '../state/transaction.ts';
import { rhythm } from './checkout-page.ts';
import { type Html, type HtmlValue, html } from './html.ts';
import { day } from './layout.ts';
import { money } from './money.ts';

/** What a portal page shows. */
export interface PortalView {
  readonly customer: Customer;
  readonly configuration: StoredConfiguration;
  /** The one thing to do; null: everything that is allowed. */
  readonly flow: PortalFlow | null;
}

/** A subscription, and what its customer may do with it. */
export function subscriptionCard(tx: Transaction, view: PortalView, row: Subscription): Html {
  const end = row.cancel_at ?? lastPeriodEnd(row.items);
  return html`<section class="card"><h2>Subscription <span class="tag soft">${row.status}</span></h2>
${row.items.map((item) => itemRow(tx, item))}
<p class="soft">${row.cancel_at === null ? 'Renews' : 'Ends'} on ${day(end * 1_000)}</p>
<div class="actions">${actions(tx, view, row)}</div></section>`;
}

function itemRow(tx: Transaction, item: SubscriptionItem): Html {
  const price = priceOf(tx, item);
  const { quantity } = item;
  const amount = money(priceAmount(tx, price, quantity ?? 0), price.currency);
  return html`<div class="row"><span>${tx.get(productTable, price.product)?.name}${quantity !== undefined && html` × ${quantity}`}<br>
<small class="soft">${rhythm(price)}</small></span><span>${amount}</span></div>`;
}

function actions(tx: Transaction, view: PortalView, row: Subscription): Html {
  const { configuration, flow } = view;
  const { features } = configuration.shown;
  const may = (type: 'subscription_cancel' | 'subscription_update'): boolean =>
    features[type].enabled && (flow === null || flow.type === type);
  const confirmation = flow?.subscription_update_confirm;
  const end =
    features.subscription_cancel.mode === 'immediately' ? 'Cancel now' : 'Cancel at the end of the period';
  return html`${may('subscription_update') && row.items.map((item) => changeForm(tx, { configuration, row, item }))}
${confirmation && confirmForm(row, confirmation.items)}
${may('subscription_cancel') && (row.cancel_at === null ? button('cancel', row, end) : button('renew', row, 'Don’t cancel'))}`;
}

function button(action: string, row: Subscription, label: string): Html {
  return form(action, row, html`<button>${label}</button>`);
}

function form(action: string, { id }: Subscription, fields: HtmlValue): Html {
  return html`<form method="post"><input type="hidden" name="action" value="${action}">
<input type="hidden" name="subscription" value="${id}">${fields}</form>`;
}

function changeForm(
  tx: Transaction,
  {
    configuration,
    row,
    item,
  }: { configuration: StoredConfiguration; row: Subscription; item: SubscriptionItem },
): Html | null {
  const allowed = configuration.shown.features.subscription_update.default_allowed_updates;
  const prices = allowed.includes('price') ? priceField(tx, configuration, item) : null;
  const quantity =
    allowed.includes('quantity') && item.quantity !== undefined && quantityField(item.quantity);
  if (!prices && !quantity) return null;
  const fields = html`<input type="hidden" name="items[0][id]" value="${item.id}">${prices}${quantity}
<button class="main">Change</button>`;
  return form('update', row, fields);
}

function quantityField(quantity: number): Html {
  return html`<label>Quantity<input type="number" name="items[0][quantity]" value="${quantity}" min="0"></label>`;
}

/** The prices to switch to; null when none is offered. */
function priceField(tx: Transaction, { products }: StoredConfiguration, item: SubscriptionItem): Html | null {
  const offered = products.flatMap(({ prices }) => prices);
  if (!offered.some((id) => id !== item.price)) return null;
  const options = [...new Set([item.price, ...offered])].map((id) => {
    const price = tx.get(priceTable, id);
    const name = price && tx.get(productTable, price.product)?.name;
    return html`<option value="${id}"${id === item.price && ' selected'}>${name} ${price && rhythm(price)}</option>`;
  });
  return html`<label>Plan<select name="items[0][price]">${options}</select></label>`;
}

function confirmForm(
  row: Subscription,
  items: NonNullable<PortalFlow['subscription_update_confirm']>['items'],
): Html {
  const fields = items.map(
    ({ id, price, quantity }, index) => html`<input type="hidden" name="items[${index}][id]" value="${id}">
${price !== undefined && html`<input type="hidden" name="items[${index}][price]" value="${price}">`}
${quantity !== undefined && html`<input type="hidden" name="items[${index}][quantity]" value="${quantity}">`}
<p>New: ${price}${quantity !== undefined && html` quantity ${quantity}`}</p>`,
  );
  return form('update', row, html`${fields}<button class="main">Confirm</button>`);
}
