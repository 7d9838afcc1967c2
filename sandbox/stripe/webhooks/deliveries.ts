import type { Account } from '../state/account.ts';
import type { Accounts } from '../state/accounts.ts';
import { coreEventTable, customerOf } from '../state/core-events.ts';
import { eventTable } from '../state/events.ts';
import type { WrittenEvents } from '../state/transaction.ts';
import { Courier } from './courier.ts';
import { type AnyEvent, type Delivery, type Dispatch, firstDispatch } from './delivery.ts';
import type { DeliveryLog } from './delivery-log.ts';
import { type DeliveryMatch, DeliveryRules } from './delivery-rules.ts';
import type { DeliverySettings } from './delivery-settings.ts';
import { DeliveryShuffle, type Shuffle } from './delivery-shuffle.ts';
import { type DeliveryTarget, targetsFor } from './delivery-targets.ts';
import { withDoubles } from './doubled-events.ts';
import type { WebhookAnswer } from './webhook-request.ts';

/** How many deliveries there are of each kind. */
export interface DeliveryCounts {
  /** Waiting for a connection. */
  readonly queued: number;
  readonly inFlight: number;
  /** Waiting for a retry, a delay or the end of a shuffle's window. */
  readonly scheduled: number;
  readonly held: number;
  /** Given up at once because too many to the same receiver had not ended. */
  readonly dropped: number;
}

/** Brings events to their receivers, in the order and number that the rules say. */
export class Deliveries {
  readonly rules = new DeliveryRules();
  private readonly accounts: Accounts;
  private readonly courier: Courier;
  private readonly shuffle = new DeliveryShuffle((dispatch) => this.courier.enqueue(dispatch));
  private held: Dispatch[] = [];
  private dropped = 0;

  constructor(accounts: Accounts, settings: DeliverySettings) {
    this.accounts = accounts;
    this.courier = new Courier(accounts.platform.clock, settings);
  }

  get log(): DeliveryLog {
    return this.courier.log;
  }

  /** Starts the deliveries of events that have just been committed. @param origin where they happened */
  publish(origin: Account, written: WrittenEvents): void {
    const { snapshot, thin } = withDoubles(origin, written, (record) =>
      this.rules.takeDouble({ type: record.type, customer: customerOf(record.data.object) }),
    );
    for (const record of snapshot) {
      const targets = this.targetsOf({ payload: 'snapshot', record }, origin);
      if (targets.length === 0) continue;
      origin.table(eventTable).put({ ...record, awaiting: targets.map(({ receiver }) => receiver.id) });
      this.send({ payload: 'snapshot', record }, origin, targets);
    }
    for (const record of thin) {
      this.send({ payload: 'thin', record }, origin, this.targetsOf({ payload: 'thin', record }, origin));
    }
  }

  configure(changes: Partial<DeliverySettings>): DeliverySettings {
    this.courier.settings = { ...this.courier.settings, ...changes };
    return this.courier.settings;
  }

  heldDeliveries(): readonly Delivery[] {
    return this.held.map(({ shown }) => shown);
  }

  hold(match: DeliveryMatch): void {
    this.rules.holdBack(match);
  }

  /** Stops holding back and sends what was held, in the order it came. */
  release(): void {
    this.rules.letGo();
    const released = this.held;
    this.held = [];
    for (const dispatch of released) this.courier.enqueue(dispatch);
  }

  /** From now on what comes within a window goes out in another order; undefined: in the order it comes. */
  shuffleBy(shuffle: Shuffle | undefined): void {
    if (shuffle) this.shuffle.start(shuffle);
    else this.shuffle.stop();
  }

  /**
   * Sends events now, one after the other in the given order, each after the answer to the one before. Held ones
   * are taken out of the held; others are sent again, by hand: their failure brings no retry, and their success
   * ends none.
   * @param order.endpointId only to this receiver; to all that want the event when not given
   * @returns the answers in that order; an event without a receiver has none
   */
  async deliver(order: {
    eventIds: readonly string[];
    copies: number;
    endpointId?: string | undefined;
  }): Promise<readonly WebhookAnswer[]> {
    const answers: WebhookAnswer[] = [];
    for (const eventId of order.eventIds) {
      for (const dispatch of this.takeFor(eventId, order.endpointId)) {
        for (let copy = 0; copy < order.copies; copy++)
          answers.push(await this.courier.attempt(copy === 0 ? dispatch : { ...dispatch, isManual: true }));
      }
    }
    return answers;
  }

  /** @returns true once nothing but what is held back is left, false when the time was up before */
  async whenIdle(timeoutMs: number): Promise<boolean> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0 || !(await this.courier.whenIdle(leftMs))) return false;
      if (this.shuffle.size === 0) return true;
      if (!(await this.shuffle.whenEmpty(leftMs))) return false;
    }
  }

  /** Resolves when everything that goes at once has had its first attempt, or when the time is up. */
  whenSent(timeoutMs: number): Promise<void> {
    return this.courier.whenSent(timeoutMs);
  }

  counts(): DeliveryCounts {
    const { queued, inFlight, scheduled } = this.courier;
    return {
      queued,
      inFlight,
      scheduled: scheduled + this.shuffle.size,
      held: this.held.length,
      dropped: this.dropped,
    };
  }

  reset(): void {
    this.held = [];
    this.dropped = 0;
    this.shuffle.clear();
    this.rules.clear();
    this.courier.reset();
  }

  close(): void {
    this.reset();
    this.courier.close();
  }

  private targetsOf({ payload, record }: AnyEvent, origin: Account): DeliveryTarget[] {
    const addressee = 'addressee' in record ? record.addressee : null;
    return targetsFor({ type: record.type, payload, origin, addressee }, this.accounts.platform);
  }

  private send(event: AnyEvent, origin: Account, targets: readonly DeliveryTarget[]): void {
    for (const target of targets) this.route(firstDispatch(event, origin, target));
  }

  private route(dispatch: Dispatch): void {
    const rule = this.rules.take(dispatch);
    if (rule?.kind === 'drop') this.courier.log.addDropped(dispatch, this.accounts.platform.clock.nowMs());
    else if (rule?.kind === 'delay') this.place(dispatch, () => this.courier.later(dispatch, rule.delayMs));
    else {
      const copies = rule?.kind === 'duplicate' ? rule.copies : 1;
      for (let copy = 0; copy < copies; copy++) this.place(dispatch, () => this.holdOrSend(dispatch));
    }
  }

  private place(dispatch: Dispatch, act: () => void): void {
    if (this.courier.admit(dispatch)) act();
    else this.dropped++;
  }

  private holdOrSend(dispatch: Dispatch): void {
    if (this.rules.isHeld(dispatch)) this.held.push(dispatch);
    else if (!this.shuffle.take(dispatch)) this.courier.enqueue(dispatch);
  }

  private takeFor(eventId: string, endpointId: string | undefined): Dispatch[] {
    const isMeant = ({ shown }: Dispatch): boolean =>
      shown.eventId === eventId && (endpointId === undefined || shown.endpointId === endpointId);
    const held = this.held.filter(isMeant);
    if (held.length > 0) {
      this.held = this.held.filter((dispatch) => !isMeant(dispatch));
      return held;
    }
    for (const origin of this.accounts.all()) {
      const event = storedEvent(origin, eventId);
      if (!event) continue;
      return this.targetsOf(event, origin)
        .map((target) => ({ ...firstDispatch(event, origin, target), isManual: true }))
        .filter(isMeant);
    }
    return [];
  }
}

function storedEvent(origin: Account, id: string): AnyEvent | undefined {
  const snapshot = origin.table(eventTable).get(id);
  if (snapshot) return { payload: 'snapshot', record: snapshot };
  const thin = origin.table(coreEventTable).get(id);
  return thin && { payload: 'thin', record: thin };
}
