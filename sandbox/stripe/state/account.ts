import type { Clock } from './clock.ts';
import type { IdSource } from './ids.ts';
import { Table, type TableDefinition } from './table.ts';

/** All state of one Stripe account. Tables come into being when a resource first asks for its own. */
export class Account {
  readonly clock: Clock;
  /** Replaced by a reset. */
  ids: IdSource;
  /** Where this simulator is reached, for the pages that it links to. */
  readonly publicUrl: () => string;
  private readonly tables = new Map<object, unknown>();

  constructor(options: { clock: Clock; ids: IdSource; publicUrl: () => string }) {
    this.clock = options.clock;
    this.ids = options.ids;
    this.publicUrl = options.publicUrl;
  }

  table<Row extends { readonly id: string }>(definition: TableDefinition<Row>): Table<Row> {
    const known = this.tables.get(definition);
    // The key is the typed definition itself, so what is stored under it has its row type.
    if (known) return known as Table<Row>;
    const table = new Table<Row>(definition);
    this.tables.set(definition, table);
    return table;
  }

  /** Empties every table and starts with new ids. */
  reset(ids: IdSource): void {
    this.tables.clear();
    this.ids = ids;
  }
}
