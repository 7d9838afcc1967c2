import { createRandom } from '../../../sandbox/stripe/state/random.ts';

/** Whoever decides something by chance has dice of its own, so that the others' pace changes nothing in its decisions. */
export class Dice {
  readonly #random: () => number;

  /** @param whose who throws them; the same seed and name give the same throws */
  constructor(seed: number, whose: string) {
    let mixed = seed;
    for (const letter of whose) mixed = Math.imul(mixed, 31) + letter.charCodeAt(0);
    this.#random = createRandom(mixed);
  }

  /** A whole number, both ends included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.#random() * (max - min + 1));
  }

  happens(probability: number): boolean {
    return this.#random() < probability;
  }

  /** @throws Error when there is nothing to pick from */
  pick<T>(from: readonly T[]): T {
    const picked = from[this.between(0, from.length - 1)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }

  shuffled<T>(list: readonly T[]): T[] {
    const drawn = list.map((entry) => ({ entry, lot: this.#random() }));
    return drawn.sort((one, other) => one.lot - other.lot).map(({ entry }) => entry);
  }
}
