/** `warning`: works, but should be looked at, or could not be looked at. `red`: something that must work does not. */
export type FindingStatus = 'ok' | 'warning' | 'red';

/** What a check says of one thing. */
export type Verdict = {
  status: FindingStatus;
  detail: string;
  /** The command or sentence that mends it; null where nothing has to be done. */
  fix: string | null;
};

/** A verdict, and the name of the check that came to it; docs/troubleshooting.md explains each. */
export type Finding = { check: CheckName } & Verdict;

/** In the order in which they are shown: what others build upon comes first. */
export const CHECK_NAMES = [
  'environment',
  'postgres',
  'migrations',
  'master_tenant',
  'temporal',
  'search_attributes',
  'schedules',
  'pollers',
  'stripe_key',
  'license_prices',
  'webhook_endpoint',
  'webhook_event_types',
  'webhook_api_version',
  'gateway',
  'gateway_health',
  'webhook_secret',
  'clock_stripe',
  'clock_postgres',
  'mail_server',
  'events_waiting',
  'events_failed',
  'events_parked',
  'billing_drift',
  'notifications_failed',
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

export function ok(detail: string): Verdict {
  return { status: 'ok', detail, fix: null };
}

export function warning(detail: string, fix: string | null): Verdict {
  return { status: 'warning', detail, fix };
}

export function red(detail: string, fix: string): Verdict {
  return { status: 'red', detail, fix };
}

/** `failed` 3, `parked` 1 as «3 failed, 1 parked». */
export function counted(rows: readonly { name: string; rows: number }[]): string {
  return rows.map(({ name, rows: count }) => `${count} ${name}`).join(', ');
}
