import pg from 'pg';
import { waitUntil } from '../processes/wait-until.ts';
import { DemoFailed } from './timeline.ts';

/** How long the story waits for something to become true; a machine under load needs seconds, not more. */
const PATIENCE_MS = 20_000;

type TenantRow = {
  tenant: string;
  client_name: string;
  licensed_user_count: number | null;
  access_state: string;
};

type EventRow = { status: string; status_reason: string | null };

/** Looks into the product's database from outside, as an operator would. */
export type Observer = {
  tenantOf: (customer: string) => Promise<TenantRow | undefined>;
  /** Resolves with the tenant as soon as it fits. @throws DemoFailed saying what was seen last */
  untilTenant: (what: string, customer: string, fits: (tenant: TenantRow) => boolean) => Promise<TenantRow>;
  /** The inbox's rows about a customer. */
  eventsOf: (customer: string) => Promise<EventRow[]>;
  untilEvents: (what: string, customer: string, fit: (events: EventRow[]) => boolean) => Promise<EventRow[]>;
  countTenants: () => Promise<number>;
  close: () => Promise<void>;
};

export function observe(databaseUrl: string): Observer {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  // An outage is part of the observed world; the next look makes a new connection.
  pool.on('error', () => undefined);
  const tenantOf = async (customer: string): Promise<TenantRow | undefined> => {
    const { rows } = await pool.query<TenantRow>(
      `select t.tenant, t.client_name, t.licensed_user_count, t.access_state from tenants t
         join stripe_customers c using (tenant) where c.stripe_customer_external_id = $1`,
      [customer],
    );
    return rows[0];
  };
  const eventsOf = async (customer: string): Promise<EventRow[]> => {
    const { rows } = await pool.query<EventRow>(
      'select status, status_reason from stripe_webhook_events where subject = $1 order by created_at',
      [customer],
    );
    return rows;
  };
  return {
    tenantOf,
    untilTenant: (what, customer, fits) =>
      until(
        what,
        () => tenantOf(customer),
        (tenant) => tenant !== undefined && fits(tenant),
      ) as Promise<TenantRow>,
    eventsOf,
    untilEvents: (what, customer, fit) => until(what, () => eventsOf(customer), fit),
    countTenants: async () => {
      const { rows } = await pool.query(
        'select count(*)::int as count from tenants where provisioning_key is not null',
      );
      return rows[0].count;
    },
    close: () => pool.end(),
  };
}

async function until<T>(what: string, look: () => Promise<T>, fits: (seen: T) => boolean): Promise<T> {
  let seen = await look();
  const check = async () => {
    seen = await look();
    return fits(seen);
  };
  try {
    await waitUntil({ what, check, limitMs: PATIENCE_MS });
  } catch {
    throw new DemoFailed(`${what}: not within ${PATIENCE_MS / 1000} s; seen last: ${JSON.stringify(seen)}`);
  }
  return seen;
}
