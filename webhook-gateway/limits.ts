/** Limits of the gateway that have to fit each other; those of one place alone stand there. */

const MEBIBYTE = 1_048_576;

/** Sockets at once. */
export const CONNECTIONS_MAX = 2_000;
/** Stripe sends a few kilobytes; nothing above this is read. */
export const BODY_BYTES_MAX = MEBIBYTE;
/** What each request may hold of its body without asking: all that any usual event has. 125 MiB on all connections. */
export const OWN_BODY_BYTES = 65_536;
/**
 * What requests together may hold beyond that, until they are answered. A signature can be checked only over a whole body,
 * so this is what senders without one can make us hold; they keep out nothing but other large bodies.
 */
export const LARGE_BODIES_BYTES_MAX = 64 * MEBIBYTE;

/** One group commits while the next gathers. */
export const GROUP_ROWS_MAX = 200;
export const GROUPS_IN_FLIGHT_MAX = 2;
/**
 * Events that wait for their group; more are refused and come again. A connection has one event at a time, so the limit lies
 * below the connections less those whose groups are in flight, or it would never be met; what is left between the two are
 * connections for health checks, metrics and the store.
 */
export const WAITING_ROWS_MAX = 1_500;
export const WAITING_BYTES_MAX = 64 * MEBIBYTE;
