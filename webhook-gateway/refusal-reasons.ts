/** Why a request at a webhook's address was not acknowledged, as the metrics call it. A closed list: each is a label. */
export const REFUSAL_REASONS = [
  'signature_missing',
  'signature_malformed',
  'timestamp_outside_tolerance',
  'signature_mismatch',
  'not_json',
  'not_an_event',
  'kind_of_another_secret',
  'too_large',
  /** Postgres can't hold the event. */
  'row_refused',
  'overloaded',
  'database_away',
  /** Postgres took too long. */
  'late',
  'closing',
  'wrong_method',
  'broken_http',
  'headers_too_large',
  'too_slow',
  /** The connection ended within the body, from whichever side. */
  'cut_off',
  'other',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];
