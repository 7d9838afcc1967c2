import { endpointsFor, webhookEndpointTable } from '../resources/webhook-endpoints.ts';
import type { Account } from '../state/account.ts';
import { type EventRecord, eventTable, renderEvent } from '../state/events.ts';
import { DeliveryLog } from './delivery-log.ts';
import { DeliveryRules } from './delivery-rules.ts';
import { createWebhookSender, type WebhookAnswer } from './webhook-request.ts';

/** Stripe's days of retries, on a clock that tests and demos can wait for. */
export interface DeliverySettings {
  /** How long an endpoint may take to answer. */
  readonly timeoutMs: number;
  /** Wait before the first retry. */
  readonly retryFirstMs: number;
  /** Each wait is so many times the one before. */
  readonly retryFactor: number;
  readonly retryWaitMaxMs: number;
  /** Attempts in all; after the last the delivery has failed for good. */
  readonly attemptsMax: number;
  /** Deliveries under way at a time. */
  readonly concurrentMax: number;
}

export const defaultDeliverySettings: DeliverySettings = {
  timeoutMs: 10_000,
  retryFirstMs: 500,
  retryFactor: 2,
  retryWaitMaxMs: 30_000,
  attemptsMax: 12,
  concurrentMax: 64,
};

/** Deliveries that may be held back; the oldest is dropped first. */
const heldMax = 50_000;

/** One event on its way to one endpoint. */
export interface Delivery {
  readonly eventId: string;
  readonly eventType: string;
  readonly endpointId: string;
  /** 1 for the first. */
  readonly attempt: number;
}

/** Brings events to webhook endpoints, in the order and number that the rules say. */
export class Deliveries {
  readonly rules = new DeliveryRules();
  readonly log = new DeliveryLog();
  private settings: DeliverySettings;
  private readonly account: Account;
  private readonly sender;
  private queue: Delivery[] = [];
  private held: Delivery[] = [];
  private inFlight = 0;
  private readonly timers = new Set<NodeJS.Timeout>();
  private idleWaiters: (() => void)[] = [];
  private readonly sentWaiters = new Set<() => void>();
  /** Counts resets: what was under way before one must not change what came after. */
  private era = 0;

  constructor(account: Account, settings: DeliverySettings) {
    this.account = account;
    this.settings = settings;
    this.sender = createWebhookSender(settings.concurrentMax);
  }

  /** Starts the deliveries of events that have just been committed. */
  publish(events: readonly EventRecord[]): void {
    for (const event of events) {
      const endpoints = endpointsFor(this.account, event.type);
      if (endpoints.length === 0) continue;
      this.account.table(eventTable).put({ ...event, awaiting: endpoints.map((endpoint) => endpoint.id) });
      for (const endpoint of endpoints) {
        this.route({ eventId: event.id, eventType: event.type, endpointId: endpoint.id, attempt: 1 });
      }
    }
  }

  configure(changes: Partial<DeliverySettings>): DeliverySettings {
    this.settings = { ...this.settings, ...changes };
    return this.settings;
  }

  heldDeliveries(): readonly Delivery[] {
    return this.held;
  }

  /** Stops holding back and sends what was held, in the order it came. */
  release(): void {
    this.rules.letGo();
    const released = this.held;
    this.held = [];
    for (const delivery of released) this.enqueue(delivery);
  }

  /**
   * Sends events now, one after the other in the given order, each after the answer to the one before. Held ones
   * are taken out of the held; others are sent again.
   * @returns the answers in that order; an event without an endpoint has none
   */
  async deliver(order: { eventIds: readonly string[]; copies: number }): Promise<readonly WebhookAnswer[]> {
    const answers: WebhookAnswer[] = [];
    for (const eventId of order.eventIds) {
      for (const delivery of this.takeFor(eventId)) {
        for (let copy = 0; copy < order.copies; copy++) answers.push(await this.attempt(delivery));
      }
    }
    return answers;
  }

  /** Whether nothing is queued, under way or waiting for a retry. What is held back does not count. */
  isIdle(): boolean {
    return this.inFlight === 0 && this.queue.length === 0 && this.timers.size === 0;
  }

  /** @returns true once idle, false when the time was up before */
  whenIdle(timeoutMs: number): Promise<boolean> {
    if (this.isIdle()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.idleWaiters = this.idleWaiters.filter((one) => one !== done);
        resolve(false);
      }, timeoutMs);
      const done = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      this.idleWaiters.push(done);
    });
  }

  /** Resolves when every first attempt has been made, or when the time is up. What is held back does not count. */
  async whenSent(timeoutMs: number): Promise<void> {
    if (this.inFlight === 0 && this.queue.length === 0) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.sentWaiters.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.sentWaiters.add(done);
    });
  }

  counts(): { queued: number; inFlight: number; scheduled: number; held: number } {
    return {
      queued: this.queue.length,
      inFlight: this.inFlight,
      scheduled: this.timers.size,
      held: this.held.length,
    };
  }

  reset(): void {
    this.era++;
    this.queue = [];
    this.held = [];
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.rules.clear();
    this.log.clear();
    this.tellIfIdle();
  }

  close(): void {
    this.reset();
    this.sender.close();
  }

  private route(delivery: Delivery): void {
    const rule = this.rules.take(delivery.eventType);
    if (rule?.kind === 'drop') this.drop(delivery);
    else if (rule?.kind === 'delay') this.later(delivery, rule.delayMs);
    else {
      const copies = rule?.kind === 'duplicate' ? rule.copies : 1;
      for (let copy = 0; copy < copies; copy++) this.holdOrEnqueue(delivery);
    }
  }

  private holdOrEnqueue(delivery: Delivery): void {
    if (!this.rules.isHeld(delivery.eventType)) {
      this.enqueue(delivery);
      return;
    }
    this.held.push(delivery);
    if (this.held.length > heldMax) this.held.shift();
  }

  /** A dropped delivery never arrives and is never tried again: the event stays undelivered. */
  private drop(delivery: Delivery): void {
    const startedAtMs = this.account.clock.nowMs();
    const nothing = { durationMs: 0, status: null, error: null };
    this.log.add({ ...delivery, startedAtMs, ...nothing, outcome: 'dropped' });
  }

  private enqueue(delivery: Delivery): void {
    this.queue.push(delivery);
    // After the answer to the request that caused it, as the network would have it.
    setImmediate(() => this.sendQueued());
  }

  private sendQueued(): void {
    while (this.inFlight < this.settings.concurrentMax) {
      const delivery = this.queue.shift();
      if (!delivery) break;
      void this.attempt(delivery);
    }
    this.tellIfIdle();
  }

  private async attempt(delivery: Delivery): Promise<WebhookAnswer> {
    const { era } = this;
    const event = this.account.table(eventTable).get(delivery.eventId);
    const endpoint = this.account.table(webhookEndpointTable).get(delivery.endpointId);
    if (!event || endpoint?.status !== 'enabled') {
      return { status: null, error: 'the endpoint is disabled or gone' };
    }
    this.inFlight++;
    const startedAtMs = this.account.clock.nowMs();
    const answer = await this.sender.send({
      url: endpoint.url,
      // Indented, as Stripe sends it: whoever parses and prints before verifying breaks the signature.
      body: JSON.stringify(renderEvent(event), null, 2),
      secrets: [endpoint.secret],
      timestampSeconds: this.account.clock.realSeconds(),
      timeoutMs: this.settings.timeoutMs,
    });
    this.inFlight--;
    if (era === this.era) this.conclude(delivery, answer, startedAtMs);
    this.sendQueued();
    return answer;
  }

  private conclude(delivery: Delivery, answer: WebhookAnswer, startedAtMs: number): void {
    const isDelivered = answer.status !== null && answer.status >= 200 && answer.status < 300;
    const durationMs = this.account.clock.nowMs() - startedAtMs;
    const outcome = isDelivered ? 'delivered' : 'failed';
    this.log.add({ ...delivery, startedAtMs, durationMs, ...answer, outcome });
    if (isDelivered) this.acknowledge(delivery);
    else if (delivery.attempt < this.settings.attemptsMax) this.retryLater(delivery);
  }

  private acknowledge(delivery: Delivery): void {
    const table = this.account.table(eventTable);
    const event = table.get(delivery.eventId);
    if (!event) return;
    table.put({ ...event, awaiting: event.awaiting.filter((id) => id !== delivery.endpointId) });
  }

  private retryLater(delivery: Delivery): void {
    const { retryFirstMs, retryFactor, retryWaitMaxMs } = this.settings;
    const waitMs = Math.min(retryFirstMs * retryFactor ** (delivery.attempt - 1), retryWaitMaxMs);
    this.later({ ...delivery, attempt: delivery.attempt + 1 }, waitMs);
  }

  private later(delivery: Delivery, waitMs: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.enqueue(delivery);
    }, waitMs);
    this.timers.add(timer);
  }

  private takeFor(eventId: string): Delivery[] {
    const held = this.held.filter((delivery) => delivery.eventId === eventId);
    if (held.length > 0) {
      this.held = this.held.filter((delivery) => delivery.eventId !== eventId);
      return held;
    }
    const event = this.account.table(eventTable).get(eventId);
    if (!event) return [];
    return endpointsFor(this.account, event.type).map((endpoint) => ({
      eventId,
      eventType: event.type,
      endpointId: endpoint.id,
      attempt: 1,
    }));
  }

  private tellIfIdle(): void {
    if (this.inFlight === 0 && this.queue.length === 0) for (const tell of [...this.sentWaiters]) tell();
    if (!this.isIdle()) return;
    const waiters = this.idleWaiters;
    this.idleWaiters = [];
    for (const tell of waiters) tell();
  }
}
