import { z } from 'zod';
import { createRandom } from '../state/random.ts';
import type { Dispatch } from './delivery.ts';
import { Waiters } from './waiters.ts';

export const shuffleSchema = z.strictObject({
  /** The same seed gives the same order of the same deliveries. */
  seed: z.number().int(),
  /** What comes within so many milliseconds after the first goes out together, in a new order. */
  windowMs: z.number().int().min(1).max(600_000),
});
export type Shuffle = z.output<typeof shuffleSchema>;

/** Collects deliveries for the length of a window, and hands them on in an order that the seed decides. */
export class DeliveryShuffle {
  private readonly handOn: (dispatch: Dispatch) => void;
  private windowMs: number | undefined;
  private random: () => number = createRandom(0);
  private collected: Dispatch[] = [];
  private timer: NodeJS.Timeout | undefined;
  private readonly empty = new Waiters();

  constructor(handOn: (dispatch: Dispatch) => void) {
    this.handOn = handOn;
  }

  get size(): number {
    return this.collected.length;
  }

  start({ seed, windowMs }: Shuffle): void {
    this.windowMs = windowMs;
    this.random = createRandom(seed);
  }

  /** What has been collected goes out at once, shuffled; what comes from now on is left as it is. */
  stop(): void {
    this.windowMs = undefined;
    this.flush();
  }

  /** @returns whether it takes the delivery */
  take(dispatch: Dispatch): boolean {
    if (this.windowMs === undefined) return false;
    this.collected.push(dispatch);
    this.timer ??= setTimeout(() => this.flush(), this.windowMs);
    return true;
  }

  /** @returns true once nothing is collected, false when the time was up before */
  whenEmpty(timeoutMs: number): Promise<boolean> {
    return this.empty.wait(timeoutMs);
  }

  clear(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.windowMs = undefined;
    this.collected = [];
    this.empty.tell();
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const batch = this.collected;
    this.collected = [];
    const drawn = batch.map((dispatch) => ({ dispatch, lot: this.random() }));
    drawn.sort((one, other) => one.lot - other.lot);
    for (const { dispatch } of drawn) this.handOn(dispatch);
    this.empty.tell();
  }
}
