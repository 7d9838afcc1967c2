import type { Delivery, DeliverySettings } from '../webhooks/deliveries.ts';
import type { DeliveryAttempt } from '../webhooks/delivery-log.ts';
import type { DeliveryRuleInput } from '../webhooks/delivery-rules.ts';
import type { WebhookAnswer } from '../webhooks/webhook-request.ts';
import type { ControlChannel } from './channel.ts';

/** Longest wait for idleness when none is given. */
const idleWaitDefaultMs = 30_000;

type Without<Union, Keys extends PropertyKey> = Union extends unknown ? Omit<Union, Keys> : never;
type RuleOptions<Kind extends DeliveryRuleInput['kind']> = Without<
  Extract<DeliveryRuleInput, { kind: Kind }>,
  'kind'
>;

export interface DeliveryControl {
  /** Every delivery attempt that has ended, in that order. */
  deliveries(): Promise<readonly DeliveryAttempt[]>;
  /** From now on deliveries (of these types) wait until they are released or delivered. */
  holdDeliveries(options?: { types?: readonly string[] }): Promise<void>;
  /** What is waiting, in the order in which it came. */
  heldDeliveries(): Promise<readonly Delivery[]>;
  /** Holds no more, and sends what was held in the order in which it came. */
  releaseDeliveries(): Promise<void>;
  /**
   * Sends events in exactly this order, each after the answer to the one before, `copies` times each; also
   * events that were delivered before.
   */
  deliver(order: { eventIds: readonly string[]; copies?: number }): Promise<readonly WebhookAnswer[]>;
  /** The next matching deliveries never arrive, and are not tried again. */
  dropNext(options?: RuleOptions<'drop'>): Promise<void>;
  /** The next matching deliveries arrive several times. */
  duplicateNext(options?: RuleOptions<'duplicate'>): Promise<void>;
  /** The next matching deliveries start later, so that younger ones overtake them. */
  delayNext(options: RuleOptions<'delay'>): Promise<void>;
  /** Changes timeout, retries or concurrency. @returns all settings */
  configureDeliveries(changes: Partial<DeliverySettings>): Promise<DeliverySettings>;
  /**
   * Waits until nothing is queued, under way or waiting for a retry; what is held back does not count.
   * @throws Error when that has not come within the time
   */
  waitUntilIdle(options?: { timeoutMs?: number }): Promise<void>;
}

export function deliveryDriver({ get, post }: ControlChannel): DeliveryControl {
  return {
    deliveries: () => get('deliveries'),
    holdDeliveries: (options = {}) => post('deliveries/hold', options),
    heldDeliveries: () => get('deliveries/held'),
    releaseDeliveries: () => post('deliveries/release'),
    deliver: (order) => post('deliveries/deliver', order),
    dropNext: (options = {}) => post('deliveries/rules', { kind: 'drop', ...options }),
    duplicateNext: (options = {}) => post('deliveries/rules', { kind: 'duplicate', ...options }),
    delayNext: (options) => post('deliveries/rules', { kind: 'delay', ...options }),
    configureDeliveries: (changes) => post('deliveries/settings', changes),
    async waitUntilIdle(options = {}) {
      const timeoutMs = options.timeoutMs ?? idleWaitDefaultMs;
      const state = await post<{ idle: boolean }>('deliveries/wait-until-idle', { timeoutMs });
      if (!state.idle)
        throw new Error(`deliveries still under way after ${timeoutMs} ms: ${JSON.stringify(state)}`);
    },
  };
}
