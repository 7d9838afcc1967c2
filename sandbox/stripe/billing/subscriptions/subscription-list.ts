import { noSuchInParameter } from '../../api/errors.ts';
import { type List, pageOfTable } from '../../api/lists.ts';
import { isCreatedWithin } from '../../api/parameters.ts';
import { isKnownCustomer } from '../../resources/customers.ts';
import type { Transaction } from '../../state/transaction.ts';
import type { ListSubscriptions } from './subscription-parameters.ts';
import {
  firstPeriodEnd,
  hasEnded,
  renderSubscription,
  type Subscription,
  subscriptionTable,
} from './subscription-state.ts';

/** A page of subscriptions. Those on test clocks are only there when the clock or the customer is named. */
export function listSubscriptions(tx: Transaction, parameters: ListSubscriptions): List {
  const { customer, test_clock: clock } = parameters;
  if (customer !== undefined && !isKnownCustomer(tx, customer)) {
    throw noSuchInParameter('customer', customer, 'customer');
  }
  const ofCustomer = customer === undefined ? undefined : { name: 'customer', key: customer };
  const onClock = clock === undefined ? undefined : { name: 'test_clock', key: clock };
  return pageOfTable(tx, {
    table: subscriptionTable,
    index: ofCustomer ?? onClock,
    parameters,
    where: (row) =>
      isOnClock(row, parameters) && hasStatus(row, parameters.status) && isWanted(row, parameters),
    render: (row) => renderSubscription(tx, row),
    url: '/v1/subscriptions',
  });
}

function isOnClock(row: Subscription, { customer, test_clock: clock }: ListSubscriptions): boolean {
  if (clock !== undefined) return row.test_clock === clock;
  return customer !== undefined || row.test_clock === null;
}

function hasStatus(row: Subscription, wanted: ListSubscriptions['status']): boolean {
  if (wanted === undefined) return row.status !== 'canceled';
  if (wanted === 'all') return true;
  return wanted === 'ended' ? hasEnded(row) : row.status === wanted;
}

function isWanted(row: Subscription, parameters: ListSubscriptions): boolean {
  const { automatic_tax: tax, collection_method: method, price } = parameters;
  const latestStart = Math.max(...row.items.map((item) => item.current_period_start));
  return (
    (price === undefined || row.items.some((item) => item.price === price)) &&
    (method === undefined || row.collection_method === method) &&
    (tax === undefined || row.automatic_tax.enabled === tax.enabled) &&
    isCreatedWithin(row.created, parameters.created) &&
    isCreatedWithin(firstPeriodEnd(row.items), parameters.current_period_end) &&
    isCreatedWithin(latestStart, parameters.current_period_start)
  );
}
