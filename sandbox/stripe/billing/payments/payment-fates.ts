import { z } from 'zod';
import { defineTable } from '../../state/table.ts';
import type { Transaction } from '../../state/transaction.ts';

/** What a customer's payments come to, whatever their card would do. */
const outcomeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('succeed') }),
  z.strictObject({
    kind: z.literal('decline'),
    /** Such as `insufficient_funds`. */
    decline_code: z.string().min(1).default('generic_decline'),
    /** When not given, the one that goes with the decline code. */
    code: z.string().min(1).optional(),
  }),
  /** The bank wants the customer to authenticate. */
  z.strictObject({ kind: z.literal('require_authentication') }),
  /** As a bank debit: `settlePayment` tells how it ends. */
  z.strictObject({ kind: z.literal('process') }),
]);
type FateOutcome = z.infer<typeof outcomeSchema>;

/** Most payments that one fate can be set for. */
const fatePaymentsMax = 1_000;

/** A fate as the control API takes it. */
export const paymentFateSchema = z.strictObject({
  /** `cus_…` */
  customer: z.string().min(1),
  /** The next payment, so many of the next ones, or all until fates are cleared. */
  payments: z.union([z.literal(['next', 'every']), z.int().min(1).max(fatePaymentsMax)]),
  outcome: outcomeSchema,
});
export type PaymentFate = z.input<typeof paymentFateSchema>;

interface Fates {
  /** The customer's. */
  readonly id: string;
  /** For the payments to come, one each; then `every` holds. */
  readonly next: readonly FateOutcome[];
  readonly every: FateOutcome | null;
}

const fateTable = defineTable<Fates>({ noun: 'payment fate', indexes: {} });

/** Decides about payments that are still to come; further `next` ones queue up. */
export function setPaymentFate(tx: Transaction, fate: z.output<typeof paymentFateSchema>): void {
  const { customer: id, outcome, payments } = fate;
  const known = tx.get(fateTable, id) ?? { id, next: [], every: null };
  if (payments === 'every') tx.put(fateTable, { ...known, every: outcome });
  else {
    const times = payments === 'next' ? 1 : payments;
    tx.put(fateTable, { ...known, next: [...known.next, ...Array<FateOutcome>(times).fill(outcome)] });
  }
}

/** From now on every payment does what its card does. */
export function clearPaymentFates(tx: Transaction): void {
  for (const { id } of [...tx.table(fateTable).newestFirst()]) tx.remove(fateTable, id);
}

/** What is decided about this payment of a customer; a fate for one payment is used up by it. */
export function takePaymentFate(tx: Transaction, customer: string | null): FateOutcome | null {
  const fates = customer === null ? undefined : tx.get(fateTable, customer);
  if (!fates) return null;
  const [first, ...rest] = fates.next;
  if (first === undefined) return fates.every;
  tx.put(fateTable, { ...fates, next: rest });
  return first;
}
