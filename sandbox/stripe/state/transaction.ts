import { StripeError } from '../api/errors.ts';
import type { Account } from './account.ts';
import { type EventRecord, eventsKeptMax, eventTable } from './events.ts';
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

/** What one resource does when another's event is written, in the same step. */
export type Reaction = (tx: Transaction, object: object) => void;

/** What steps of an account have in common. */
export interface StepContext {
  readonly account: Account;
  /** By event type. */
  readonly reactions: ReadonlyMap<string, readonly Reaction[]>;
  /** Called with the events of each committed step, in their order. */
  readonly onEvents: (events: readonly EventRecord[]) => void;
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
  forgetOldestEvents(context.account);
  context.onEvents(tx.events);
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

  /** Writes an event about an object as it is at this moment. */
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
    for (const react of this.reactions.get(type) ?? []) react(this, object);
    return record;
  }

  /** Writes an updated event with the old values; an update that changed nothing is silent. */
  emitUpdated(type: string, before: object, after: object): void {
    const previous = previousAttributes(before, after);
    if (previous) this.emit(type, after, previous);
  }

  hasChanges(): boolean {
    return this.undo.length > 0;
  }

  rollback(): void {
    for (const undo of this.undo.reverse()) undo();
    this.undo.length = 0;
  }
}

/** In batches, because each search for the oldest walks over what was forgotten before. */
function forgetOldestEvents(account: Account): void {
  const table = account.table(eventTable);
  if (table.size < eventsKeptMax + eventsForgottenAtOnce) return;
  let left = eventsForgottenAtOnce;
  for (const event of [...table.oldestFirst()]) {
    if (left-- === 0) break;
    table.remove(event.id);
  }
}
