import { z } from 'zod';
import { invalidRequest } from '../api/errors.ts';
import type { Dispatch } from './delivery.ts';

/** Rules that may wait at a time. */
const rulesMax = 1_000;

/** Which deliveries are meant; every one when nothing is given. */
export const deliveryMatchSchema = z.strictObject({
  /** Of events of these types; thin ones begin with `v1.`. */
  types: z.array(z.string()).readonly().optional(),
  /** To this webhook endpoint or event destination. */
  endpointId: z.string().optional(),
  /** Of events about this customer or what belongs to it. */
  customerId: z.string().optional(),
});
export type DeliveryMatch = z.output<typeof deliveryMatchSchema>;

const matching = {
  ...deliveryMatchSchema.shape,
  /** How many deliveries it strikes. */
  times: z.number().int().min(1).default(1),
};

/** What is to happen to the next matching deliveries. */
export const deliveryRuleSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('drop'), ...matching }),
  z.strictObject({
    kind: z.literal('duplicate'),
    /** Deliveries in all. */
    copies: z.number().int().min(2).max(100).default(2),
    ...matching,
  }),
  z.strictObject({
    kind: z.literal('delay'),
    delayMs: z.number().int().min(0).max(600_000),
    ...matching,
  }),
  /** Two events of one change, equal but for their ids; both go to everybody. */
  z.strictObject({
    kind: z.literal('emit_twice'),
    types: matching.types,
    customerId: matching.customerId,
    times: matching.times,
  }),
]);

export type DeliveryRuleInput = z.input<typeof deliveryRuleSchema>;
export type DeliveryRule = z.output<typeof deliveryRuleSchema>;

/** The rules that wait for their deliveries, and whether deliveries are held back. */
export class DeliveryRules {
  private waiting: { rule: DeliveryRule; left: number }[] = [];
  private hold: DeliveryMatch | undefined;

  /** @throws StripeError when too many are waiting */
  add(rule: DeliveryRule): void {
    if (this.waiting.length >= rulesMax)
      throw invalidRequest({ message: `more than ${rulesMax} delivery rules are waiting` });
    this.waiting.push({ rule, left: rule.times });
  }

  /** The first rule that concerns a delivery, used up by it. */
  take({ shown, customer }: Dispatch): DeliveryRule | undefined {
    return this.use(
      (rule) => rule.kind !== 'emit_twice' && concerns(rule, { ...shown, type: shown.eventType, customer }),
    );
  }

  /** Whether an event is to be there twice; uses up the rule that says so. */
  takeDouble(event: { type: string; customer: string | null }): boolean {
    return this.use((rule) => rule.kind === 'emit_twice' && concerns(rule, event)) !== undefined;
  }

  holdBack(match: DeliveryMatch): void {
    this.hold = match;
  }

  letGo(): void {
    this.hold = undefined;
  }

  isHeld({ shown, customer }: Dispatch): boolean {
    return this.hold !== undefined && concerns(this.hold, { ...shown, type: shown.eventType, customer });
  }

  clear(): void {
    this.waiting = [];
    this.hold = undefined;
  }

  private use(isMeant: (rule: DeliveryRule) => boolean): DeliveryRule | undefined {
    const entry = this.waiting.find(({ rule }) => isMeant(rule));
    if (!entry) return undefined;
    entry.left--;
    if (entry.left === 0) this.waiting = this.waiting.filter((one) => one !== entry);
    return entry.rule;
  }
}

function concerns(
  match: DeliveryMatch,
  of: { readonly type: string; readonly endpointId?: string; readonly customer: string | null },
): boolean {
  return (
    (match.types === undefined || match.types.includes(of.type)) &&
    (match.endpointId === undefined || match.endpointId === of.endpointId) &&
    (match.customerId === undefined || match.customerId === of.customer)
  );
}
