import { StripeError } from '../api/errors.ts';
import type { Account } from './account.ts';
import { type CoreEventRecord, coreEventTable, thinEvent, thinEventsOf } from './core-events.ts';
import { type EventRecord, eventTable } from './events.ts';
import type { IdPrefix } from './ids.ts';
import { previousAttributes } from './previous-attributes.ts';
import type { Table, TableDefinition } from './table.ts';

const eventsForgottenAtOnce = 1_000;

/** The request behind a change; both are null when Stripe itself acts. */
export interface Cause {
  readonly requestId: string | null;
  readonly idempotencyKey: string | null;
}

/** A change of Stripe's own: time passing, a buyer on a Checkout page. */
export const causedByStripe: Cause = { requestId: null, idempotencyKey: null };

/** What a step has told: its snapshot events, and its thin ones. */
export interface WrittenEvents {
  readonly snapshot: readonly EventRecord[];
  readonly thin: readonly CoreEventRecord[];
}

/** What one resource does when another's event is written, in the same step. */
export type Reaction = (tx: Transaction, object: object) => void;

/** What steps of an account have in common. */
export interface StepContext {
  readonly account: Account;
  /** By event type. */
  readonly reactions: ReadonlyMap<string, readonly Reaction[]>;
  /** Called with the events of each committed step, in their order. */
  readonly onEvents: (events: WrittenEvents) => void;
  /** Called after each committed step that changed something. */
  readonly onChanged: () => void;
}

/**
 * Runs one step: every change in it and every event about it become visible together, or, when it throws, not at
 * all. A refusal that keeps its changes is the exception: they stay, and it is thrown all the same.
 */
export function runStep<Result>(
  context: StepContext,
  cause: Cause,
  run: (tx: Transaction) => Result,
): Result {
  const tx = new Transaction(context, cause);
  try {
    const result = run(tx);
    conclude(context, tx);
    return result;
  } catch (error) {
    if (error instanceof StripeError && error.keepsChanges) conclude(context, tx);
    else tx.rollback();
    throw error;
  }
}

function conclude(context: StepContext, tx: Transaction): void {
  forgetOldest(context.account, eventTable);
  forgetOldest(context.account, coreEventTable);
  context.onEvents({ snapshot: tx.events, thin: tx.thinEvents });
  if (tx.hasChanges()) context.onChanged();
}

interface Identified {
  readonly id: string;
}

/** One step on an account's state: reads see its own writes, and a failure undoes them all. */
export class Transaction {
  readonly account: Account;
  readonly cause: Cause;
  /** Unix seconds; the same during the whole step. */
  readonly now: number;
  readonly events: EventRecord[] = [];
  readonly thinEvents: CoreEventRecord[] = [];
  private readonly reactions: StepContext['reactions'];
  private readonly undo: (() => void)[] = [];

  constructor(context: StepContext, cause: Cause) {
    this.account = context.account;
    this.reactions = context.reactions;
    this.cause = cause;
    this.now = context.account.clock.nowSeconds();
  }

  newId(prefix: IdPrefix): string {
    return this.account.ids.next(prefix);
  }

  table<Row extends Identified>(definition: TableDefinition<Row>): Table<Row> {
    return this.account.table(definition);
  }

  get<Row extends Identified>(definition: TableDefinition<Row>, id: string): Row | undefined {
    return this.account.table(definition).get(id);
  }

  /** Inserts a row or replaces the one with its id. Rows are never changed in place: events share them. */
  put<Row extends Identified>(definition: TableDefinition<Row>, row: Row): Row {
    const table = this.account.table(definition);
    const before = table.get(row.id);
    this.undo.push(() => (before ? table.put(before) : table.remove(row.id)));
    table.put(row);
    return row;
  }

  remove<Row extends Identified>(definition: TableDefinition<Row>, id: string): void {
    const table = this.account.table(definition);
    const before = table.get(id);
    if (!before) return;
    const number = table.remove(id);
    if (number !== undefined) this.undo.push(() => table.restore(number, before));
  }

  /** Writes an event about an object as it is at this moment, and the thin ones that go with it. */
  emit(type: string, object: object, previous?: Record<string, unknown>): EventRecord {
    const record: EventRecord = {
      id: this.newId('evt'),
      type,
      created: this.now,
      data: previous ? { object, previous_attributes: previous } : { object },
      request: { id: this.cause.requestId, idempotency_key: this.cause.idempotencyKey },
      awaiting: [],
    };
    this.put(eventTable, record);
    this.events.push(record);
    for (const thin of thinEventsOf(this, record)) this.putThin(thin);
    for (const react of this.reactions.get(type) ?? []) react(this, object);
    return record;
  }

  /**
   * Writes a thin event that has no snapshot twin, such as `v1.invoice_payment.open`.
   * @param event.addressee the one destination that gets it; all that want it when not given
   */
  emitThin(event: { type: string; object: object; addressee?: string }): CoreEventRecord {
    return this.putThin(thinEvent(this, event));
  }

  /** Writes an updated event with the old values; an update that changed nothing is silent. */
  emitUpdated(type: string, before: object, after: object): void {
    const previous = previousAttributes(before, after);
    if (previous) this.emit(type, after, previous);
  }

  private putThin(record: CoreEventRecord): CoreEventRecord {
    this.thinEvents.push(record);
    return this.put(coreEventTable, record);
  }

  hasChanges(): boolean {
    return this.undo.length > 0;
  }

  rollback(): void {
    for (const undo of this.undo.reverse()) undo();
    this.undo.length = 0;
  }

  /** Marks this moment of the step. @returns what undoes everything since then, events included */
  mark(): () => void {
    const [changes, events, thinEvents] = [this.undo.length, this.events.length, this.thinEvents.length];
    return () => {
      for (const undo of this.undo.splice(changes).reverse()) undo();
      this.events.length = events;
      this.thinEvents.length = thinEvents;
    };
  }
}

/** In batches, because each search for the oldest walks over what was forgotten before. */
function forgetOldest<Row extends Identified>(account: Account, definition: TableDefinition<Row>): void {
  const table = account.table(definition);
  if (table.size < account.eventsKeptMax + eventsForgottenAtOnce) return;
  const oldest: string[] = [];
  for (const { id } of table.oldestFirst()) {
    oldest.push(id);
    if (oldest.length === eventsForgottenAtOnce) break;
  }
  for (const id of oldest) table.remove(id);
}
