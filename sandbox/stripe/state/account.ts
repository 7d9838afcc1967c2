import { type BillingSettings, defaultBillingSettings } from '../billing/billing-settings.ts';
import type { Clock } from './clock.ts';
import { eventsKeptMaxDefault } from './events.ts';
import type { IdSource } from './ids.ts';
import { Table, type TableDefinition } from './table.ts';

/** All state of one Stripe account. Tables come into being when a resource first asks for its own. */
export class Account {
  /** `acct_…` of a connected account; null: the platform's own. */
  readonly id: string | null;
  readonly clock: Clock;
  /** Replaced by a reset. */
  ids: IdSource;
  /** What Stripe keeps in the dashboard; changed by the control API. */
  billing: BillingSettings = defaultBillingSettings;
  /** Where this simulator is reached, for the pages that it links to. */
  readonly publicUrl: () => string;
  /** Events of each kind that are kept; older ones are forgotten. */
  readonly eventsKeptMax: number;
  private readonly tables = new Map<object, unknown>();

  constructor(options: {
    id: string | null;
    clock: Clock;
    ids: IdSource;
    publicUrl: () => string;
    eventsKeptMax?: number | undefined;
  }) {
    this.id = options.id;
    this.clock = options.clock;
    this.ids = options.ids;
    this.publicUrl = options.publicUrl;
    this.eventsKeptMax = options.eventsKeptMax ?? eventsKeptMaxDefault;
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
    this.billing = defaultBillingSettings;
    this.ids = ids;
  }
}
