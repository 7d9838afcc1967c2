import type { Account } from './account.ts';
import type { TableDefinition } from './table.ts';
import type { Transaction } from './transaction.ts';

/** The next thing that happens by itself in a table. */
export interface DueItem {
  /** Unix seconds, on the clock that was asked for. */
  readonly at: number;
  /** The row as it is now; it is another one once the thing has happened. */
  readonly row: object;
  readonly run: (tx: Transaction) => void;
}

/** What happens to the rows of one table as time passes. */
export interface DueWork {
  first(account: Account, clock: string | null): DueItem | undefined;
}

/**
 * Work on the rows of a table whose definition says when they are due.
 * @param run does what is due first, and leaves the row with a later moment or none
 */
export function dueWork<Row extends { readonly id: string }>(
  table: TableDefinition<Row>,
  run: (tx: Transaction, row: Row) => void,
): DueWork {
  return {
    first(account, clock) {
      const due = account.table(table).firstDue(clock);
      return due && { ...due, run: (tx) => run(tx, due.row) };
    },
  };
}
