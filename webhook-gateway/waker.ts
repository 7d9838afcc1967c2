export type WakerLimits = {
  /** Subjects that wait; more are left to the sweep. */
  subjectsMax: number;
  inFlightMax: number;
  /** The same while the writer is busy: on a small machine eager wakes take the processor from the acks. */
  inFlightBusyMax: number;
  /** So long a subject waits while the writer is busy; its events of that time are synced together. */
  giveWayMs: number;
  /** From then on a subject goes as if the writer were idle: more come than two wakes at a time can carry. */
  giveWayMaxMs: number;
  /** How often a waker that gives way looks again. */
  giveWayPollMs: number;
  /** Tries for one subject before it is left to the sweep. */
  triesMax: number;
  /** Pause after a failure, doubled with each that follows. */
  pauseFirstMs: number;
  pauseMaxMs: number;
  /** How long close() waits. */
  drainMs: number;
};

const WAKER_LIMITS: WakerLimits = {
  subjectsMax: 10_000,
  inFlightMax: 16,
  inFlightBusyMax: 2,
  giveWayMs: 1_000,
  giveWayMaxMs: 2_000,
  giveWayPollMs: 20,
  triesMax: 6,
  pauseFirstMs: 250,
  pauseMaxMs: 10_000,
  drainMs: 5_000,
};

export type WakeOutcome = 'woken' | 'retried' | 'gave_up' | 'dropped';

export type WakerOptions = {
  /** Signals the subject's billing sync; bounded in time by whoever gives it. */
  wake: (subject: string) => Promise<void>;
  /** While it says so, wakes give way, but none longer than `giveWayMaxMs`. */
  isWriterBusy: () => boolean;
  limits?: Partial<WakerLimits>;
  /** Would the same wake be refused again, while others may go well? It is left to the sweep and holds up nobody. */
  isRefusal: (error: unknown) => boolean;
  onOutcome: (outcome: WakeOutcome) => void;
  onError: (error: unknown) => void;
};

type Waiting = { tries: number; sinceMs: number };

/**
 * Wakes billing syncs after the commit, outside the request. One wake stands for all events of a subject that were
 * committed before it began. What it loses (a crash, a long absence of Temporal) the sweep finds.
 */
export class Waker {
  readonly #options: WakerOptions;
  readonly #limits: WakerLimits;
  /** By subject, in order of arrival. */
  readonly #waiting = new Map<string, Waiting>();
  /** Subject to: was there another event after the wake began? */
  readonly #inFlight = new Map<string, boolean>();
  #failuresInARow = 0;
  #pause: NodeJS.Timeout | undefined;
  #lookAgain: NodeJS.Timeout | undefined;
  #whenIdle: (() => void) | undefined;
  #isClosed = false;

  constructor(options: WakerOptions) {
    this.#options = options;
    this.#limits = { ...WAKER_LIMITS, ...options.limits };
  }

  get waiting(): number {
    return this.#waiting.size + this.#inFlight.size;
  }

  /** Returns at once; the subject's sync is woken soon, once for all notices meanwhile. */
  notice(subject: string): void {
    if (this.#inFlight.has(subject)) this.#inFlight.set(subject, true);
    else if (!this.#waiting.has(subject)) this.#enqueue(subject, 0);
    this.#pump();
  }

  /** Wakes what waits, for at most `drainMs`; what is left then is the sweep's. */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
      timer = setTimeout(resolve, this.#limits.drainMs);
      this.#pump();
    });
    clearTimeout(timer);
    clearTimeout(this.#pause);
    clearTimeout(this.#lookAgain);
    this.#isClosed = true;
    for (const _ of this.#waiting) this.#options.onOutcome('dropped');
    this.#waiting.clear();
  }

  #enqueue(subject: string, tries: number): void {
    if (this.#isClosed || this.#waiting.size >= this.#limits.subjectsMax) this.#options.onOutcome('dropped');
    else this.#waiting.set(subject, { tries, sinceMs: performance.now() });
  }

  #pump(): void {
    const isBusy = this.#whenIdle === undefined && this.#options.isWriterBusy();
    for (const [subject, { tries, sinceMs }] of this.#waiting) {
      if (this.#pause) return;
      const waitedMs = performance.now() - sinceMs;
      const isTooEarly = isBusy && waitedMs < this.#limits.giveWayMs;
      const givesWay = isBusy && waitedMs < this.#limits.giveWayMaxMs;
      if (isTooEarly || this.#inFlight.size >= this.#inFlightMax(givesWay)) {
        if (isBusy) this.#lookAgainSoon();
        return;
      }
      this.#waiting.delete(subject);
      this.#inFlight.set(subject, false);
      void this.#wake(subject, tries);
    }
    if (this.waiting === 0) this.#whenIdle?.();
  }

  /** After a failure one wake at a time tries whether Temporal is back. */
  #inFlightMax(givesWay: boolean): number {
    if (this.#failuresInARow > 0) return 1;
    return givesWay ? this.#limits.inFlightBusyMax : this.#limits.inFlightMax;
  }

  #lookAgainSoon(): void {
    this.#lookAgain ??= setTimeout(() => {
      this.#lookAgain = undefined;
      this.#pump();
    }, this.#limits.giveWayPollMs);
  }

  async #wake(subject: string, tries: number): Promise<void> {
    try {
      await this.#options.wake(subject);
      this.#failuresInARow = 0;
      this.#options.onOutcome('woken');
      if (this.#inFlight.get(subject)) this.#enqueue(subject, 0);
    } catch (error) {
      this.#fail({ subject, tries: tries + 1, error });
    }
    this.#inFlight.delete(subject);
    this.#pump();
  }

  #fail({ subject, tries, error }: { subject: string; tries: number; error: unknown }): void {
    this.#options.onError(error);
    const isRefusal = this.#options.isRefusal(error);
    if (!isRefusal) this.#pauseAfterFailure();
    if (isRefusal || tries >= this.#limits.triesMax) {
      this.#options.onOutcome('gave_up');
      return;
    }
    this.#options.onOutcome('retried');
    this.#enqueue(subject, tries);
  }

  /** Wakes that fail together count as one failure. */
  #pauseAfterFailure(): void {
    if (this.#pause || this.#isClosed) return;
    const pauseMs = Math.min(this.#limits.pauseFirstMs * 2 ** this.#failuresInARow, this.#limits.pauseMaxMs);
    this.#failuresInARow += 1;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#pump();
    }, pauseMs);
  }
}
