import type { DeliveryCounts } from '../webhooks/deliveries.ts';
import type { Delivery } from '../webhooks/delivery.ts';
import type { DeliveryAttempt } from '../webhooks/delivery-log.ts';
import type { DeliveryMatch, DeliveryRuleInput } from '../webhooks/delivery-rules.ts';
import type { DeliverySettings } from '../webhooks/delivery-settings.ts';
import type { Shuffle } from '../webhooks/delivery-shuffle.ts';
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
  /** How many are on their way, and how many were given up because too many were. */
  deliveryCounts(): Promise<DeliveryCounts>;
  /** From now on deliveries (of these types, to this receiver, about this customer) wait until they are released. */
  holdDeliveries(match?: DeliveryMatch): Promise<void>;
  /** What is waiting, in the order in which it came. */
  heldDeliveries(): Promise<readonly Delivery[]>;
  /** Holds no more, and sends what was held in the order in which it came. */
  releaseDeliveries(): Promise<void>;
  /**
   * Sends events in exactly this order, each after the answer to the one before, `copies` times each; also
   * events that were delivered before: those by hand, without retries.
   */
  deliver(order: {
    eventIds: readonly string[];
    copies?: number;
    endpointId?: string;
  }): Promise<readonly WebhookAnswer[]>;
  /** Sends an event once more, as the dashboard's button does; the automatic retries go on all the same. */
  resend(eventId: string, options?: { endpointId?: string }): Promise<readonly WebhookAnswer[]>;
  /**
   * From now on what comes within the window goes out in an order that the seed decides. For an order that is the same
   * each time, also at the receiver, take a long window that `stopShuffling` ends, and one connection
   * (`configureDeliveries({ concurrentMax: 1 })`).
   */
  shuffleDeliveries(shuffle: Shuffle): Promise<void>;
  /** Shuffles no more; what was collected goes out. */
  stopShuffling(): Promise<void>;
  /** The next matching changes have two events each, equal but for their ids, as happens at Stripe. */
  emitTwice(options?: RuleOptions<'emit_twice'>): Promise<void>;
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

export function deliveryDriver({ get, post, remove }: ControlChannel): DeliveryControl {
  return {
    deliveries: () => get('deliveries'),
    deliveryCounts: () => get('deliveries/counts'),
    holdDeliveries: (match = {}) => post('deliveries/hold', match),
    heldDeliveries: () => get('deliveries/held'),
    releaseDeliveries: () => post('deliveries/release'),
    deliver: (order) => post('deliveries/deliver', order),
    resend: (eventId, options = {}) => post('deliveries/deliver', { eventIds: [eventId], ...options }),
    shuffleDeliveries: (shuffle) => post('deliveries/shuffle', shuffle),
    stopShuffling: () => remove('deliveries/shuffle'),
    emitTwice: (options = {}) => post('deliveries/rules', { kind: 'emit_twice', ...options }),
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
