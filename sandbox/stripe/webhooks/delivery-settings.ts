import { z } from 'zod';

const count = z.number().int().min(1);
const waitMs = z.number().int().min(0);

/** Stripe's days of retries, on a clock that tests and demos can wait for; and the limits. */
export const deliverySettingsSchema = z.strictObject({
  /** How long a receiver may take to answer. */
  timeoutMs: count,
  /** Wait before the first retry. */
  retryFirstMs: waitMs,
  /** Each wait is so many times the one before. */
  retryFactor: z.number().min(1),
  retryWaitMaxMs: waitMs,
  /** Attempts in all; after the last the delivery has failed for good. */
  attemptsMax: count,
  /** Deliveries under way at a time, to each receiver. */
  concurrentMax: count,
  /** Deliveries to each receiver that may wait, for a connection, a retry or their release; what is above is dropped. */
  waitingMax: count,
});

export type DeliverySettings = Readonly<z.output<typeof deliverySettingsSchema>>;

export const defaultDeliverySettings: DeliverySettings = {
  timeoutMs: 10_000,
  retryFirstMs: 500,
  retryFactor: 2,
  retryWaitMaxMs: 30_000,
  attemptsMax: 12,
  concurrentMax: 64,
  waitingMax: 50_000,
};
