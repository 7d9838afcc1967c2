import { type InboxOutcome, type InboxRow, rowRefusal } from '../db/inbox.ts';
import { GROUP_ROWS_MAX, GROUPS_IN_FLIGHT_MAX, WAITING_BYTES_MAX, WAITING_ROWS_MAX } from './limits.ts';

export type InboxLimits = {
  groupRowsMax: number;
  groupBytesMax: number;
  groupsInFlightMax: number;
  waitingRowsMax: number;
  waitingBytesMax: number;
  /** From a request's arrival to its answer, whatever Postgres does. */
  waitMs: number;
  /** The writer counts as busy from so many rows within the time of `busyWindowMs`. */
  busyRows: number;
  busyWindowMs: number;
};

const INBOX_LIMITS: InboxLimits = {
  groupRowsMax: GROUP_ROWS_MAX,
  groupBytesMax: 4 * 1_048_576,
  groupsInFlightMax: GROUPS_IN_FLIGHT_MAX,
  waitingRowsMax: WAITING_ROWS_MAX,
  waitingBytesMax: WAITING_BYTES_MAX,
  waitMs: 9_000,
  // Requests come in bursts: a shorter window would find the writer idle between two of them.
  busyRows: 100,
  busyWindowMs: 1_000,
};

export type StoreAnswer =
  | { outcome: InboxOutcome }
  /** Postgres can't hold this row; the same again would be refused again. */
  | { outcome: 'refused'; sqlState: string }
  | { outcome: 'unavailable'; reason: 'overloaded' | 'database_away' | 'late' | 'closing' };

export type InboxWriterOptions = {
  /** Stores all rows or none, and returns after the commit. */
  insert: (rows: readonly InboxRow[]) => Promise<InboxOutcome[]>;
  limits?: Partial<InboxLimits>;
  onGroup: (rows: number) => void;
  onError: (error: unknown) => void;
};

type Waiting = { row: InboxRow; bytes: number; answer: (answer: StoreAnswer) => void; isAnswered: boolean };

/** Group commit: all requests that wait share one insert. */
export class InboxWriter {
  readonly #options: InboxWriterOptions;
  readonly #limits: InboxLimits;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #groupsInFlight = 0;
  #isPumpDue = false;
  #whenIdle: (() => void) | undefined;
  /** Rows that came in the current window and in the one before. */
  #window = { startedMs: 0, rows: 0, rowsBefore: 0 };

  constructor(options: InboxWriterOptions) {
    this.#options = options;
    this.#limits = { ...INBOX_LIMITS, ...options.limits };
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Whether requests come so fast that work which can wait should wait. */
  isBusy(): boolean {
    this.#turnWindow();
    const { busyRows } = this.#limits;
    return this.#window.rows >= busyRows || this.#window.rowsBefore >= busyRows;
  }

  /** `stored` and `duplicate` mean: the event is committed. Never rejects, and answers within `waitMs`. */
  store(row: InboxRow, bytes: number): Promise<StoreAnswer> {
    if (this.#whenIdle) return Promise.resolve({ outcome: 'unavailable', reason: 'closing' });
    if (
      this.#waiting.length >= this.#limits.waitingRowsMax ||
      this.#waitingBytes + bytes > this.#limits.waitingBytesMax
    ) {
      return Promise.resolve({ outcome: 'unavailable', reason: 'overloaded' });
    }
    this.#turnWindow();
    this.#window.rows += 1;
    return new Promise((resolve) => {
      const waiting: Waiting = { row, bytes, answer, isAnswered: false };
      const timer = setTimeout(() => answer({ outcome: 'unavailable', reason: 'late' }), this.#limits.waitMs);
      function answer(given: StoreAnswer): void {
        clearTimeout(timer);
        waiting.isAnswered = true;
        resolve(given);
      }
      this.#waiting.push(waiting);
      this.#waitingBytes += bytes;
      this.#pumpSoon();
    });
  }

  /** Commits what waits, then resolves; bounded by `waitMs` and the time limits of a statement. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenIdle = resolve;
      this.#pumpSoon();
    });
  }

  #turnWindow(): void {
    const nowMs = performance.now();
    const { startedMs, rows } = this.#window;
    const ageMs = nowMs - startedMs;
    if (ageMs < this.#limits.busyWindowMs) return;
    const isNext = ageMs < 2 * this.#limits.busyWindowMs;
    this.#window = { startedMs: nowMs, rows: 0, rowsBefore: isNext ? rows : 0 };
  }

  /** After the current turn of the event loop: the requests that came in it share a group. */
  #pumpSoon(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    setImmediate(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#groupsInFlight < this.#limits.groupsInFlightMax && this.#waiting.length > 0) {
      void this.#commit(this.#takeGroup());
    }
    if (this.#groupsInFlight === 0 && this.#waiting.length === 0) this.#whenIdle?.();
  }

  /** From the front, at least one row, within both limits; without those that were answered as late. */
  #takeGroup(): Waiting[] {
    let count = 0;
    let bytes = 0;
    for (const waiting of this.#waiting) {
      if (count >= this.#limits.groupRowsMax) break;
      if (count > 0 && bytes + waiting.bytes > this.#limits.groupBytesMax) break;
      count += 1;
      bytes += waiting.bytes;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count).filter((waiting) => !waiting.isAnswered);
  }

  async #commit(group: Waiting[]): Promise<void> {
    this.#groupsInFlight += 1;
    await this.#write(group);
    this.#groupsInFlight -= 1;
    this.#pumpSoon();
  }

  /**
   * A group that one row spoils is halved until that row stands alone: at most twice as many statements as rows. Any
   * other failure is the whole group's and isn't tried again; the senders do that.
   */
  async #write(group: Waiting[]): Promise<void> {
    if (group.length === 0) return;
    try {
      const outcomes = await this.#options.insert(group.map(({ row }) => row));
      this.#options.onGroup(group.length);
      for (const [index, waiting] of group.entries()) waiting.answer(answerOf(outcomes[index]));
    } catch (error) {
      const refusal = rowRefusal(error);
      if (refusal && group.length > 1) {
        const middle = Math.ceil(group.length / 2);
        await this.#write(group.slice(0, middle));
        await this.#write(group.slice(middle));
        return;
      }
      this.#options.onError(error);
      const answer: StoreAnswer = refusal?.isSendersFault
        ? { outcome: 'refused', sqlState: refusal.sqlState }
        : { outcome: 'unavailable', reason: 'database_away' };
      for (const waiting of group) waiting.answer(answer);
    }
  }
}

/** A row without an outcome can't be known to be committed. */
function answerOf(outcome: InboxOutcome | undefined): StoreAnswer {
  return outcome === undefined ? { outcome: 'unavailable', reason: 'database_away' } : { outcome };
}
