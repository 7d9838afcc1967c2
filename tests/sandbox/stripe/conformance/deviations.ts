/**
 * How something differs from the specification: it is there and the specification does not know it; it is left
 * out, though the specification has it always; its value is of another type, or none of those it may have.
 */
export type What = 'unknown' | 'missing' | 'value';

/** One difference between what the simulator does and what the specification says. */
export interface Deviation {
  /** A schema's name and the way from there, `subscription.items`; or an endpoint's parameter, `POST /v1/prices?currency`. */
  readonly where: string;
  readonly what: What;
  /** What was expected and what was there. */
  readonly detail: string;
  /** What was there; missing where that says nothing, as in the old value of a key that is new. */
  readonly value?: unknown;
}

/** A difference that is meant to be. */
export interface Exception {
  readonly where: string;
  readonly what: What;
  readonly reason: string;
  /**
   * Where stripe-node, whose API version is the simulator's, declares it: as there for `unknown`, as optional for
   * `missing`. A path for `declaredProperty`.
   */
  readonly declared?: string;
}

/** Readable, one line each, the same only once. */
export function describeDeviations(deviations: readonly (Deviation & { readonly seenIn: string })[]): string {
  const lines = deviations.map(
    ({ where, what, detail, seenIn }) => `  ${where}: ${what}: ${detail}\n    in ${seenIn}`,
  );
  return [...new Set(lines)].join('\n');
}
