/** Pseudo-random numbers from 0 up to, but not including, 1; the same seed gives the same ones in the same order. */
export function createRandom(seed: number): () => number {
  // mulberry32: 32 bits of state are plenty for what only must not repeat in a run.
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
