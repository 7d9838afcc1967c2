/** A secret that signs webhooks until it expires. */
export interface SigningSecret {
  /** `whsec_…`, used whole as the key. */
  readonly value: string;
  /** Milliseconds since 1970; null for the newest one, which does not expire. */
  readonly expiresAtMs: number | null;
}

/** Stripe keeps a secret that was rolled for at most a day. */
export const secretKeptMaxMs = 24 * 60 * 60 * 1_000;
/** Secrets of one receiver that sign at a time; the oldest goes first. */
const activeMax = 5;

export function firstSecret(value: string): readonly SigningSecret[] {
  return [{ value, expiresAtMs: null }];
}

/** The new secret in front of those that are still good, of which the newest now has an end as well. */
export function rolledSecrets(
  secrets: readonly SigningSecret[],
  roll: { value: string; nowMs: number; expiresAfterMs: number },
): readonly SigningSecret[] {
  const endMs = roll.nowMs + roll.expiresAfterMs;
  const old = secrets.map(({ value, expiresAtMs }) => ({
    value,
    expiresAtMs: Math.min(expiresAtMs ?? endMs, endMs),
  }));
  const good = old.filter(({ expiresAtMs }) => expiresAtMs > roll.nowMs);
  return [{ value: roll.value, expiresAtMs: null }, ...good].slice(0, activeMax);
}

/** Those that sign at this moment, newest first. */
export function activeSecrets(secrets: readonly SigningSecret[], nowMs: number): readonly string[] {
  return secrets.flatMap(({ value, expiresAtMs }) =>
    expiresAtMs === null || expiresAtMs > nowMs ? [value] : [],
  );
}
