import { type Price, productTable } from '../billing/catalog/catalog.ts';
import type { BuyerInput } from '../billing/checkout/checkout-buyer.ts';
import { amountNow, type CheckoutLine, linePrice } from '../billing/checkout/checkout-lines.ts';
import type { StoredSession } from '../billing/checkout/checkout-state.ts';
import { customerTable } from '../resources/customers.ts';
import type { Transaction } from '../state/transaction.ts';
import { cardChoice } from './card-choice.ts';
import { type Html, html } from './html.ts';
import { customerPage } from './layout.ts';
import { money } from './money.ts';

/** What the buyer has typed, and why that was not enough. */
export interface Refused {
  readonly message: string;
  readonly typed: BuyerInput;
}

/** The page behind a session's `url`: the basket, and the form to pay it. */
export function renderCheckoutPage(tx: Transaction, stored: StoredSession, refused?: Refused): string {
  const { session } = stored;
  const isOpen = session.status === 'open';
  return customerPage({
    title: 'Checkout',
    columns: 'two',
    body: html`<section>${basket(tx, stored)}</section>
<section class="card">${isOpen ? form(tx, stored, refused) : html`<p>This session is ${session.status}.</p>`}</section>`,
  });
}

function basket(tx: Transaction, { lines, session }: StoredSession): Html {
  const { amount_total: total, cancel_url: cancelUrl, currency } = session;
  return html`${cancelUrl !== null && html`<p><a href="${cancelUrl}">← Back to the shop</a></p>`}
<h1>${session.mode === 'setup' ? 'Save a payment method' : session.mode === 'subscription' ? 'Subscribe' : 'Pay'}</h1>
${total !== null && html`<div class="amount">${money(total, currency)}</div>`}
${lines.map((line) => row(tx, line))}
${total !== null && html`<div class="row total"><span>Due today</span><span>${money(total, currency)}</span></div>`}`;
}

function row(tx: Transaction, line: CheckoutLine): Html {
  const price = linePrice(tx, line);
  const name = tx.get(productTable, price.product)?.name ?? price.product;
  const whole = amountNow(tx, [{ ...line, isFreeNow: false }]);
  return html`<div class="row"><span>${name}${line.quantity !== null && html` × ${line.quantity}`}<br>
<small class="soft">${rhythm(price)}${line.isFreeNow && ', after the trial'}</small></span>
<span>${money(whole, price.currency)}</span></div>`;
}

/** How often a price is paid. */
export function rhythm({ recurring }: Price): string {
  if (!recurring) return 'once';
  const { interval, interval_count: count } = recurring;
  return count === 1 ? `per ${interval}` : `every ${count} ${interval}s`;
}

function form(tx: Transaction, { lines, session }: StoredSession, refused: Refused | undefined): Html {
  const known = session.customer === null ? undefined : tx.get(customerTable, session.customer);
  const typed = refused?.typed;
  const isFree = session.amount_total === 0 && session.payment_method_collection === 'if_required';
  const asksPhone = session.phone_number_collection.enabled;
  return html`<form method="post">
${refused && html`<p class="notice bad" role="alert">${refused.message}</p>`}
<label>E-mail<input type="email" name="email" value="${typed?.email ?? session.customer_email ?? known?.email}" required></label>
<label>Name<input name="name" value="${typed?.name ?? known?.name}"></label>
${asksPhone && html`<label>Phone<input name="phone" value="${typed?.phone ?? known?.phone}"></label>`}
${lines.map((line) => quantityField(tx, line))}
${!isFree && cardChoice()}
<button class="main">${(session.amount_total ?? 0) > 0 ? 'Pay' : session.mode === 'setup' ? 'Save' : 'Start'}</button>
</form>`;
}

function quantityField(tx: Transaction, line: CheckoutLine): Html | null {
  if (!line.adjustable) return null;
  const { maximum, minimum } = line.adjustable;
  const name = tx.get(productTable, linePrice(tx, line).product)?.name;
  return html`<label>Quantity of ${name}<input type="number" name="quantities[${line.id}]" value="${line.quantity}"
 min="${minimum}" max="${maximum}"></label>`;
}
