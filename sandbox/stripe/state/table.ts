import { DueList } from './due-list.ts';

/** What a table holds and by what it can be listed. Each resource file defines its own. */
export interface TableDefinition<Row extends { readonly id: string }> {
  /** The noun in "No such customer: 'x'". */
  readonly noun: string;
  /** Keys to list by; a row with a null key is in no list of that index. */
  readonly indexes: Readonly<Record<string, (row: Row) => string | null>>;
  /** When something is to happen to a row by itself; null when nothing is. */
  readonly due?: (row: Row) => Due | null;
}

/** A moment at which something happens by itself. */
export interface Due {
  /** Unix seconds. */
  readonly at: number;
  /** The id of the test clock whose time is meant; null: the account's own time. */
  readonly clock: string | null;
}

/** Checks a definition's type where it is written. */
export function defineTable<Row extends { readonly id: string }>(
  definition: TableDefinition<Row>,
): TableDefinition<Row> {
  return definition;
}

/** Rows between two positions of a list, newest first. */
export interface WalkOptions {
  /** Only rows of this index and key. */
  readonly index?: { readonly name: string; readonly key: string };
  /** Only rows older than this one. */
  readonly olderThan?: string;
}

/**
 * Immutable rows by id, with indexes. Rows are numbered as they come, so newest-first order has no ties and a
 * cursor stays good while rows are added. Listing costs what it returns, not what the table holds.
 */
export class Table<Row extends { readonly id: string }> {
  readonly definition: TableDefinition<Row>;
  private readonly rows = new Map<number, Row>();
  private readonly numbers = new Map<string, number>();
  private readonly lists = new Map<string, number[]>();
  private readonly all: number[] = [];
  private readonly dueLists = new Map<string | null, DueList>();
  private lastNumber = 0;
  private removedSinceCompaction = 0;

  constructor(definition: TableDefinition<Row>) {
    this.definition = definition;
  }

  get size(): number {
    return this.rows.size;
  }

  get(id: string): Row | undefined {
    const number = this.numbers.get(id);
    return number === undefined ? undefined : this.rows.get(number);
  }

  /** Inserts a row, or replaces the one with the same id in its place. */
  put(row: Row): void {
    const known = this.numbers.get(row.id);
    const number = known ?? ++this.lastNumber;
    const before = known === undefined ? undefined : this.rows.get(known);
    if (known === undefined) {
      this.numbers.set(row.id, number);
      this.all.push(number);
    }
    this.rows.set(number, row);
    this.reindex(number, before, row);
  }

  /** Removes a row. @returns its number, for `restore`; undefined when there was none */
  remove(id: string): number | undefined {
    const number = this.numbers.get(id);
    if (number === undefined) return undefined;
    const before = this.rows.get(number);
    this.rows.delete(number);
    this.numbers.delete(id);
    this.reindex(number, before, undefined);
    this.removedSinceCompaction++;
    this.compact();
    return number;
  }

  /** Puts a removed row back where it was. */
  restore(number: number, row: Row): void {
    this.numbers.set(row.id, number);
    this.rows.set(number, row);
    const position = lowerBound(this.all, number);
    if (this.all[position] !== number) this.all.splice(position, 0, number);
    this.reindex(number, undefined, row);
  }

  /** Rows newest first, lazily. */
  *newestFirst(options: WalkOptions = {}): Generator<Row> {
    const list = options.index
      ? (this.lists.get(listName(options.index.name, options.index.key)) ?? [])
      : this.all;
    const below = options.olderThan === undefined ? undefined : this.numbers.get(options.olderThan);
    for (let i = (below === undefined ? list.length : lowerBound(list, below)) - 1; i >= 0; i--) {
      const row = this.rows.get(list[i] ?? 0);
      if (row) yield row;
    }
  }

  /** Rows oldest first, starting after the given one. */
  *oldestFirst(options: { index?: WalkOptions['index']; newerThan?: string } = {}): Generator<Row> {
    const list = options.index
      ? (this.lists.get(listName(options.index.name, options.index.key)) ?? [])
      : this.all;
    const above = options.newerThan === undefined ? undefined : this.numbers.get(options.newerThan);
    for (let i = above === undefined ? 0 : lowerBound(list, above + 1); i < list.length; i++) {
      const row = this.rows.get(list[i] ?? 0);
      if (row) yield row;
    }
  }

  /** The row whose time comes first; of several in the same second the oldest. */
  firstDue(clock: string | null): { readonly at: number; readonly row: Row } | undefined {
    const first = this.dueLists.get(clock)?.first();
    const row = first && this.rows.get(first.number);
    return first && row ? { at: first.at, row } : undefined;
  }

  private reindex(number: number, before: Row | undefined, after: Row | undefined): void {
    this.reschedule(number, before, after);
    for (const [name, keyOf] of Object.entries(this.definition.indexes)) {
      const oldKey = before ? keyOf(before) : null;
      const newKey = after ? keyOf(after) : null;
      if (oldKey === newKey) continue;
      if (oldKey !== null) this.unlist(listName(name, oldKey), number);
      if (newKey !== null) this.enlist(listName(name, newKey), number);
    }
  }

  private reschedule(number: number, before: Row | undefined, after: Row | undefined): void {
    const { due } = this.definition;
    if (!due) return;
    const was = before ? due(before) : null;
    const is = after ? due(after) : null;
    if (was?.at === is?.at && was?.clock === is?.clock) return;
    if (was) this.dueLists.get(was.clock)?.remove({ at: was.at, number });
    if (!is) return;
    const list = this.dueLists.get(is.clock) ?? new DueList();
    this.dueLists.set(is.clock, list);
    list.add({ at: is.at, number });
  }

  private enlist(name: string, number: number): void {
    const list = this.lists.get(name);
    if (!list) this.lists.set(name, [number]);
    else list.splice(lowerBound(list, number), 0, number);
  }

  private unlist(name: string, number: number): void {
    const list = this.lists.get(name);
    if (!list) return;
    list.splice(lowerBound(list, number), 1);
    if (list.length === 0) this.lists.delete(name);
  }

  /** Removed numbers stay in the full list until they are half of it, so that removing is cheap on average. */
  private compact(): void {
    if (this.removedSinceCompaction * 2 <= this.all.length) return;
    const kept = this.all.filter((number) => this.rows.has(number));
    this.all.length = 0;
    for (const number of kept) this.all.push(number);
    this.removedSinceCompaction = 0;
  }
}

function listName(index: string, key: string): string {
  return `${index}\u0000${key}`;
}

/** The first position whose number is not below the given one; the list is ascending. */
function lowerBound(list: readonly number[], number: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? 0) < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
