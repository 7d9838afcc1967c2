import { invalidRequest, parameterMissing } from '../../api/errors.ts';
import { type Metadata, mergeMetadata } from '../../api/parameters.ts';
import type { Transaction } from '../../state/transaction.ts';
import { type Price, priceTable, productTable, sellablePrice } from '../catalog/catalog.ts';
import { createInlinePrice } from '../catalog/catalog-creation.ts';
import { priceAmount } from '../catalog/price-amount.ts';
import type { CreateSession, SentLine } from './checkout-parameters.ts';

/** Stripe's limit for one session. */
const linesMax = 100;
/** What a buyer may order when the shop sets no limit. */
const adjustableMaxDefault = 99;

/** One thing in the basket, as stored; shown with its price in place of the id. */
export interface CheckoutLine {
  readonly id: string;
  readonly adjustable: { readonly enabled: true; readonly maximum: number; readonly minimum: number } | null;
  readonly metadata: Metadata;
  readonly price: string;
  /** Null for a metered price. */
  readonly quantity: number | null;
  /** A trial comes first: it costs nothing today. */
  readonly isFreeNow: boolean;
}

/**
 * The basket of a new session.
 * @throws StripeError 400 that names the wrong line
 */
export function newLines(
  tx: Transaction,
  parameters: CreateSession,
  basket: { mode: 'payment' | 'subscription'; hasTrial: boolean },
): CheckoutLine[] {
  const sentLines = parameters.line_items ?? [];
  if (sentLines.length === 0) throw parameterMissing('line_items');
  if (sentLines.length > linesMax) {
    throw invalidRequest({ param: 'line_items', message: `You can specify up to ${linesMax} line items.` });
  }
  const lines = sentLines.map((line, index) =>
    newLine(tx, line, { ...basket, param: `line_items[${index}]` }),
  );
  const prices = lines.map((line) => linePrice(tx, line));
  const [first] = prices;
  if (prices.some(({ currency }) => currency !== first?.currency)) {
    throw invalidRequest({ message: 'All prices on a Checkout Session must have the same currency.' });
  }
  if (basket.mode === 'subscription' && !prices.some(({ recurring }) => recurring)) {
    const message = 'You must provide at least one recurring price in `subscription` mode when using prices.';
    throw invalidRequest({ param: 'line_items', message });
  }
  return lines;
}

function newLine(
  tx: Transaction,
  sentLine: SentLine,
  basket: { mode: 'payment' | 'subscription'; hasTrial: boolean; param: string },
): CheckoutLine {
  const { param } = basket;
  const price = sentLine.price_data
    ? createInlinePrice(tx, sentLine.price_data)
    : sellablePrice(tx, sentLine.price ?? missing(`${param}[price]`), `${param}[price]`);
  if (basket.mode === 'payment' && price.recurring) {
    const message =
      'You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.';
    throw invalidRequest({ param, message });
  }
  const isMetered = price.recurring?.usage_type === 'metered';
  if (isMetered && sentLine.quantity !== undefined) {
    const message = 'Quantity should not be specified where usage_type is `metered`.';
    throw invalidRequest({ param: `${param}[quantity]`, message });
  }
  const adjustable = sentLine.adjustable_quantity;
  return {
    id: tx.newId('li'),
    adjustable: adjustable?.enabled
      ? {
          enabled: true,
          maximum: adjustable.maximum ?? adjustableMaxDefault,
          minimum: adjustable.minimum ?? 0,
        }
      : null,
    metadata: mergeMetadata({}, sentLine.metadata),
    price: price.id,
    quantity: isMetered ? null : (sentLine.quantity ?? missing(`${param}[quantity]`)),
    isFreeNow: basket.hasTrial && price.recurring !== null,
  };
}

/**
 * The basket with the quantities that the buyer chose.
 * @param quantities by line id
 * @throws StripeError 400 for what the shop does not leave to the buyer
 */
export function adjustedLines(
  lines: readonly CheckoutLine[],
  quantities: Readonly<Record<string, number>>,
): CheckoutLine[] {
  return lines.map((line) => {
    const quantity = quantities[line.id];
    if (quantity === undefined || quantity === line.quantity) return line;
    const { adjustable } = line;
    if (adjustable && quantity >= adjustable.minimum && quantity <= adjustable.maximum) {
      return { ...line, quantity };
    }
    throw invalidRequest({ message: `The quantity of \`${line.id}\` can't be changed to ${quantity}.` });
  });
}

/** What is to be paid today, in minor units, for one line or all of them. */
export function amountNow(tx: Transaction, lines: readonly CheckoutLine[]): number {
  return lines.reduce(
    (sum, line) => sum + (line.isFreeNow ? 0 : priceAmount(tx, linePrice(tx, line), line.quantity ?? 0)),
    0,
  );
}

/** The session's line as the API shows it. */
export function renderLine(tx: Transaction, line: CheckoutLine): object {
  const price = linePrice(tx, line);
  const amount = amountNow(tx, [line]);
  return {
    id: line.id,
    object: 'item',
    adjustable_quantity: line.adjustable,
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: price.currency,
    description: tx.get(productTable, price.product)?.name ?? null,
    metadata: line.metadata,
    price,
    quantity: line.quantity,
  };
}

/** The price of a line; prices are never deleted. */
export function linePrice(tx: Transaction, line: Pick<CheckoutLine, 'price'>): Price {
  const price = tx.get(priceTable, line.price);
  if (!price) throw new Error(`price ${line.price} is gone`);
  return price;
}

function missing(param: string): never {
  throw parameterMissing(param);
}
