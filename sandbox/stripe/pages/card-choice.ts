import { type CardBehaviour, testCards } from '../billing/payments/payment-test-cards.ts';
import { type Html, html } from './html.ts';

/** The fields in which somebody chooses a card: every test card, and what they do when the bank asks. */
export function cardChoice(): Html {
  const options = Object.entries(testCards).map(
    ([token, { brand, number, behaviour }]) =>
      html`<option value="${token}">${brand} ${number.slice(-4)}: ${behaviourText(behaviour)} (${token})</option>\n`,
  );
  return html`<label>Card<select name="card">
${options}</select></label>
<label>When the bank asks who I am<select name="authentication">
<option value="passes">I pass its check</option>
<option value="fails">I do not</option>
</select></label>`;
}

function behaviourText({
  authentication,
  declineCode,
  declinesFrom,
  dispute,
  isDelayed,
}: CardBehaviour): string {
  if (isDelayed) return 'a bank debit, settled later';
  const asks = authentication === undefined ? [] : ['the bank asks'];
  if (dispute) return [...asks, 'pays, and disputes it'].join(', ');
  if (declineCode === undefined) return [...asks, 'pays'].join(', ');
  const from = {
    attaching: 'is refused',
    first_payment: 'can be saved, and does not pay',
    second_payment: 'pays once',
  }[declinesFrom ?? 'attaching'];
  return [...asks, from, declineCode.replaceAll('_', ' ')].join(', ');
}
