import type { Transaction } from '../../state/transaction.ts';
import { voidInvoice } from '../invoices/invoice-settlement.ts';
import { invoiceTable } from '../invoices/invoice-state.ts';
import { upcomingInvoice } from '../invoices/invoice-upcoming.ts';
import { endOverdue } from './subscription-dunning.ts';
import { endSubscription } from './subscription-end.ts';
import { type MomentKind, nextMoment } from './subscription-moments.ts';
import { dropPendingUpdate } from './subscription-pending-update.ts';
import { endAsPlanned, endTrial, renew, tellTrialEnd } from './subscription-renewal.ts';
import { type Subscription, storeSubscription, updateSubscription } from './subscription-state.ts';

/** Does what is due first for a subscription. Writes the events. */
export function runDue(tx: Transaction, row: Subscription): void {
  const moment = nextMoment(row);
  if (moment) work[moment.kind](tx, row);
}

const work: Readonly<Record<MomentKind, (tx: Transaction, row: Subscription) => void>> = {
  expire: (tx, row) => endSubscription(tx, row, {}),
  drop_pending_update: (tx, row) => dropPendingUpdate(tx, row),
  drop_resumption: dropResumption,
  cancel: endAsPlanned,
  end_overdue: endOverdue,
  resume_collection: (tx, row) => updateSubscription(tx, row, { pause_collection: null }),
  tell_trial_end: tellTrialEnd,
  tell_upcoming: tellUpcoming,
  end_trial: endTrial,
  renew,
};

/** Nobody has tried to pay what was to resume it: it stays paused. */
function dropResumption(tx: Transaction, row: Subscription): void {
  const id = row.internals.resumption?.invoice;
  const invoice = id === undefined ? undefined : tx.get(invoiceTable, id);
  storeSubscription(tx, { ...row, internals: { ...row.internals, resumption: null } });
  if (invoice?.status === 'open') voidInvoice(tx, invoice);
}

function tellUpcoming(tx: Transaction, row: Subscription): void {
  const { upcoming } = row.internals;
  const told = upcoming && { ...upcoming, at: null };
  const stored = storeSubscription(tx, { ...row, internals: { ...row.internals, upcoming: told } });
  tx.emit('invoice.upcoming', upcomingInvoice(tx, stored));
}
