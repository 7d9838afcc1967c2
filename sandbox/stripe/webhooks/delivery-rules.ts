import { z } from 'zod';

/** Rules that may wait at a time. */
const rulesMax = 1_000;

const matching = {
  /** Only deliveries of these event types; of all when not given. */
  types: z.array(z.string()).optional(),
};

/** What is to happen to the next matching deliveries. */
export const deliveryRuleSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('drop'), times: z.number().int().min(1).default(1), ...matching }),
  z.strictObject({
    kind: z.literal('duplicate'),
    times: z.number().int().min(1).default(1),
    /** Deliveries in all. */
    copies: z.number().int().min(2).max(100).default(2),
    ...matching,
  }),
  z.strictObject({
    kind: z.literal('delay'),
    times: z.number().int().min(1).default(1),
    delayMs: z.number().int().min(0).max(600_000),
    ...matching,
  }),
]);

export type DeliveryRuleInput = z.input<typeof deliveryRuleSchema>;
export type DeliveryRule = z.output<typeof deliveryRuleSchema>;

/** The rules that wait for their deliveries, and whether deliveries are held back. */
export class DeliveryRules {
  private waiting: { rule: DeliveryRule; left: number }[] = [];
  private hold: { types: readonly string[] | undefined } | undefined;

  /** @throws Error when too many are waiting */
  add(rule: DeliveryRule): void {
    if (this.waiting.length >= rulesMax) throw new Error(`more than ${rulesMax} delivery rules are waiting`);
    this.waiting.push({ rule, left: rule.times });
  }

  /** The first rule that concerns an event of this type, used up by it. */
  take(type: string): DeliveryRule | undefined {
    const entry = this.waiting.find(({ rule }) => concerns(rule.types, type));
    if (!entry) return undefined;
    entry.left--;
    if (entry.left === 0) this.waiting = this.waiting.filter((one) => one !== entry);
    return entry.rule;
  }

  holdBack(types: readonly string[] | undefined): void {
    this.hold = { types };
  }

  letGo(): void {
    this.hold = undefined;
  }

  isHeld(type: string): boolean {
    return this.hold !== undefined && concerns(this.hold.types, type);
  }

  clear(): void {
    this.waiting = [];
    this.hold = undefined;
  }
}

function concerns(types: readonly string[] | undefined, type: string): boolean {
  return types === undefined || types.includes(type);
}
