/** The simulator's only source of time: the given clock plus an offset that the control API sets. */
export interface Clock {
  /** Milliseconds since 1970, offset included. */
  nowMs(): number;
  /** Whole seconds since 1970, as Stripe writes times. */
  nowSeconds(): number;
  /** Milliseconds without the offset. */
  realMs(): number;
  /** Whole seconds without the offset: what a webhook's receiver compares signatures with. */
  realSeconds(): number;
  offsetMs(): number;
  setOffsetMs(offsetMs: number): void;
}

export function createClock(now: () => number): Clock {
  let offset = 0;
  return {
    nowMs: () => now() + offset,
    nowSeconds: () => Math.floor((now() + offset) / 1_000),
    realMs: now,
    realSeconds: () => Math.floor(now() / 1_000),
    offsetMs: () => offset,
    setOffsetMs: (offsetMs) => {
      offset = offsetMs;
    },
  };
}
