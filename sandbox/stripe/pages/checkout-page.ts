import { productTable } from '../billing/catalog.ts';
import { linePrice } from '../billing/checkout-lines.ts';
import type { StoredSession } from '../billing/checkout-state.ts';
import type { Transaction } from '../state/transaction.ts';
import { escapeHtml, htmlPage, htmlTable } from './html.ts';

/** The page behind a session's `url`: the basket, and a button for each way to end it. */
export function renderCheckoutPage(tx: Transaction, stored: StoredSession): string {
  const { session } = stored;
  const basket = htmlTable(
    ['product', 'price', 'quantity'],
    stored.lines.map((line) => [
      tx.get(productTable, linePrice(tx, line).product)?.name ?? '',
      line.price,
      String(line.quantity),
    ]),
  );
  if (session.status !== 'open') {
    return htmlPage('Checkout', `${basket}<p>This session is ${session.status}.</p>`);
  }
  const email = escapeHtml(session.customer_email ?? '');
  const cancel = session.cancel_url
    ? `<p><a href="${escapeHtml(session.cancel_url)}">Back to the shop</a></p>`
    : '';
  return htmlPage(
    'Checkout',
    `${basket}
<p>To pay: ${session.amount_total} ${escapeHtml(session.currency.toUpperCase())}, in its smallest unit.</p>
<form method="post">
<p><label>E-mail<br><input type="email" name="email" value="${email}"></label></p>
<p><label>Name<br><input name="name"></label></p>
<button name="payment" value="card">Pay by card</button>
<button name="payment" value="delayed">Pay by bank debit, settled later</button>
</form>
${cancel}`,
  );
}
