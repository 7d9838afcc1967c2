import type { FaultInput } from '../api/faults.ts';
import type { ReceivedRequest } from '../api/request-log.ts';
import type { BillingSettings } from '../billing/billing-settings.ts';
import type { CheckoutSession } from '../billing/checkout-state.ts';
import type { SubscriptionStatus } from '../billing/subscription-state.ts';
import type { Delivery, DeliverySettings } from '../webhooks/deliveries.ts';
import type { DeliveryAttempt } from '../webhooks/delivery-log.ts';
import type { DeliveryRuleInput } from '../webhooks/delivery-rules.ts';
import type { WebhookAnswer } from '../webhooks/webhook-request.ts';

/** Longest wait for idleness when none is given. */
const idleWaitDefaultMs = 30_000;

type Without<Union, Keys extends PropertyKey> = Union extends unknown ? Omit<Union, Keys> : never;
type RuleOptions<Kind extends DeliveryRuleInput['kind']> = Without<
  Extract<DeliveryRuleInput, { kind: Kind }>,
  'kind'
>;

/** Steers a running simulator, from the same process or another. */
export interface StripeControl {
  /** Forgets everything: objects, events, endpoints, keys, logs, faults; ids start again from the seed. */
  reset(): Promise<void>;
  /** Every API request received, oldest first. */
  requests(): Promise<readonly ReceivedRequest[]>;
  /** Every delivery attempt that has ended, in that order. */
  deliveries(): Promise<readonly DeliveryAttempt[]>;
  /** Strikes the next matching requests. */
  injectFault(fault: FaultInput): Promise<void>;
  clearFaults(): Promise<void>;
  /** Changes what Stripe keeps in the dashboard: retries, their end, drafts. @returns all settings */
  configureBilling(changes: Partial<BillingSettings>): Promise<BillingSettings>;
  /** Sets the simulator's time to the real one plus this, and does what is due then. */
  setTimeOffset(offsetMs: number): Promise<{ nowSeconds: number; offsetMs: number }>;

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

  /** Writes and delivers an event of any type about any object. @returns the event */
  emitEvent(event: { type: string; object: Readonly<Record<string, unknown>> }): Promise<{ id: string }>;
  /** A buyer completes an open session: by card, paid at once, or by a method that is settled later. */
  completeCheckoutSession(
    sessionId: string,
    completion?: { payment?: 'card' | 'delayed'; email?: string; name?: string },
  ): Promise<CheckoutSession>;
  /** The bank answers about a delayed payment: `checkout.session.async_payment_succeeded` or `_failed`. */
  settleDelayedPayment(sessionId: string, outcome: { paid: boolean }): Promise<CheckoutSession>;
  /** An open session's time is over. */
  expireCheckoutSession(sessionId: string): Promise<CheckoutSession>;
  /** Gives a subscription a status, with the events of the change. */
  setSubscriptionStatus(subscriptionId: string, status: SubscriptionStatus): Promise<void>;
}

/** A client of `/_control/…`. @param url where the simulator is, such as `http://127.0.0.1:12111` */
export function createStripeControl(url: string): StripeControl {
  const send = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${url}/_control/${path}`, {
      method,
      ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok)
      throw new Error(`the Stripe simulator refused ${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  };
  // The simulator's own types are trusted: server and client are one version.
  const post = async <Answer>(path: string, body: object = {}): Promise<Answer> =>
    (await send('POST', path, body)) as Answer;
  const get = async <Answer>(path: string): Promise<Answer> => (await send('GET', path)) as Answer;
  return {
    reset: () => post('reset'),
    requests: () => get('requests'),
    deliveries: () => get('deliveries'),
    injectFault: (fault) => post('faults', fault),
    clearFaults: async () => void (await send('DELETE', 'faults')),
    configureBilling: (changes) => post('billing-settings', changes),
    setTimeOffset: (offsetMs) => post('time', { offsetMs }),
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
    emitEvent: (event) => post('events', event),
    completeCheckoutSession: (id, completion = {}) => post(`checkout-sessions/${id}/complete`, completion),
    settleDelayedPayment: (id, outcome) => post(`checkout-sessions/${id}/settle`, outcome),
    expireCheckoutSession: (id) => post(`checkout-sessions/${id}/expire`),
    setSubscriptionStatus: async (id, status) => void (await post(`subscriptions/${id}/status`, { status })),
  };
}
