import type { Clock } from '../state/clock.ts';
import { eventTable } from '../state/events.ts';
import { bodyOf, type Dispatch, nextAttempt, targetOf } from './delivery.ts';
import { DeliveryLog } from './delivery-log.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import type { DeliverySettings } from './delivery-settings.ts';
import type { DeliveryTarget } from './delivery-targets.ts';
import { activeSecrets } from './signing-secrets.ts';
import { Waiters } from './waiters.ts';
import { createWebhookSender, type WebhookAnswer } from './webhook-request.ts';

/** Wait before a receiver that nobody answers at is tried again. */
const unreachedPauseMs = 20;

/** Makes deliveries: several at a time to each receiver, again and again until they succeed or have failed for good. */
export class Courier {
  readonly log = new DeliveryLog();
  settings: DeliverySettings;
  private readonly clock: Clock;
  private readonly sender = createWebhookSender();
  private readonly queue = new DeliveryQueue();
  private readonly timers = new Set<NodeJS.Timeout>();
  /** By receiver, as are those that wait or are under way. */
  private readonly underWay = new Map<string, number>();
  private readonly unfinished = new Map<string, number>();
  /**
   * Receivers at which nobody answered last, with the pause before the next one is sent there; undefined once it is
   * over. They get one delivery at a time: refused connections by the thousand would leave no time for requests.
   */
  private readonly unreached = new Map<string, NodeJS.Timeout | undefined>();
  private readonly idle = new Waiters();
  private readonly sent = new Waiters();
  private isSending = false;
  /** Counts resets: what was under way before one must not change what came after. */
  private era = 0;

  constructor(clock: Clock, settings: DeliverySettings) {
    this.clock = clock;
    this.settings = settings;
  }

  /** Deliveries that wait for a connection. */
  get queued(): number {
    return this.queue.size;
  }

  /** Deliveries that wait for their time. */
  get scheduled(): number {
    return this.timers.size;
  }

  get inFlight(): number {
    let sum = 0;
    for (const count of this.underWay.values()) sum += count;
    return sum;
  }

  /**
   * Counts a delivery in, until it has ended; it may wait anywhere meanwhile. A receiver that is away for hours must
   * neither fill the memory nor take the place of others.
   * @returns false when too many to its receiver have not ended
   */
  admit({ shown }: Dispatch): boolean {
    const count = this.unfinished.get(shown.endpointId) ?? 0;
    if (count >= this.settings.waitingMax) return false;
    this.unfinished.set(shown.endpointId, count + 1);
    return true;
  }

  /** As soon as its receiver has a connection free. */
  enqueue(dispatch: Dispatch): void {
    this.queue.add(dispatch);
    if (this.isSending) return;
    this.isSending = true;
    // After the answer to the request that caused it, as the network would have it.
    setImmediate(() => {
      this.isSending = false;
      this.sendQueued();
    });
  }

  later(dispatch: Dispatch, waitMs: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.enqueue(dispatch);
    }, waitMs);
    this.timers.add(timer);
  }

  /** Makes one attempt now. A failed one is tried again later, unless somebody sent it by hand. */
  async attempt(dispatch: Dispatch): Promise<WebhookAnswer> {
    const target = targetOf(dispatch);
    if (!target) {
      // Ends the retries of this event; an endpoint that is enabled again in time never notices.
      this.finish(dispatch);
      return { status: null, error: 'the receiver is disabled or gone' };
    }
    const { era } = this;
    const { endpointId } = dispatch.shown;
    this.underWay.set(endpointId, (this.underWay.get(endpointId) ?? 0) + 1);
    const startedAtMs = this.clock.nowMs();
    const { answer, isReached } = await this.sender.send({
      url: target.receiver.url,
      body: bodyOf(dispatch, target),
      secrets: activeSecrets(target.receiver.secrets, startedAtMs),
      timestampSeconds: this.clock.realSeconds(),
      timeoutMs: this.settings.timeoutMs,
    });
    subtract(this.underWay, endpointId);
    this.noteReach(endpointId, isReached);
    if (era === this.era) this.conclude(dispatch, target, { ...answer, startedAtMs });
    this.sendQueued();
    return answer;
  }

  /** Nothing is queued, under way or waiting for its time. */
  isIdle(): boolean {
    return this.queue.size === 0 && this.underWay.size === 0 && this.timers.size === 0;
  }

  /** @returns true once idle, false when the time was up before */
  async whenIdle(timeoutMs: number): Promise<boolean> {
    return this.isIdle() || (await this.idle.wait(timeoutMs));
  }

  /** Resolves when everything that can be reached has had its first attempt, or when the time is up. */
  async whenSent(timeoutMs: number): Promise<void> {
    if (!this.isSent()) await this.sent.wait(timeoutMs);
  }

  /** Tells those who wait, should there be nothing left to do. */
  tellIfIdle(): void {
    if (this.isSent()) this.sent.tell();
    if (this.isIdle()) this.idle.tell();
  }

  reset(): void {
    this.era++;
    this.queue.clear();
    for (const timer of [...this.timers, ...this.unreached.values()]) clearTimeout(timer);
    this.timers.clear();
    this.unreached.clear();
    this.unfinished.clear();
    this.log.clear();
    this.tellIfIdle();
  }

  close(): void {
    this.reset();
    this.sender.close();
  }

  private isSent(): boolean {
    const waiting = [...this.queue.waitingFor(), ...this.underWay.keys()];
    return waiting.every((endpointId) => this.unreached.has(endpointId));
  }

  private noteReach(endpointId: string, isReached: boolean): void {
    clearTimeout(this.unreached.get(endpointId));
    if (isReached) {
      this.unreached.delete(endpointId);
      return;
    }
    const pause = setTimeout(() => {
      this.unreached.set(endpointId, undefined);
      this.sendQueued();
    }, unreachedPauseMs);
    this.unreached.set(endpointId, pause);
  }

  private connectionsOf(endpointId: string): number {
    if (!this.unreached.has(endpointId)) return this.settings.concurrentMax;
    return this.unreached.get(endpointId) === undefined ? 1 : 0;
  }

  private sendQueued(): void {
    for (const endpointId of this.queue.waitingFor()) {
      while ((this.underWay.get(endpointId) ?? 0) < this.connectionsOf(endpointId)) {
        const dispatch = this.queue.take(endpointId);
        if (!dispatch) break;
        void this.attempt(dispatch);
      }
    }
    this.tellIfIdle();
  }

  private conclude(
    dispatch: Dispatch,
    target: DeliveryTarget,
    answer: WebhookAnswer & { startedAtMs: number },
  ): void {
    const isDelivered = answer.status !== null && answer.status >= 200 && answer.status < 300;
    const durationMs = this.clock.nowMs() - answer.startedAtMs;
    const outcome = isDelivered ? 'delivered' : 'failed';
    this.log.add({ ...dispatch.shown, isManual: dispatch.isManual, durationMs, ...answer, outcome });
    if (isDelivered) acknowledge(dispatch, target);
    const { attempt } = dispatch.shown;
    if (isDelivered || dispatch.isManual || attempt >= this.settings.attemptsMax) this.finish(dispatch);
    else this.later(nextAttempt(dispatch), this.retryWaitMs(attempt));
  }

  private finish({ shown, isManual }: Dispatch): void {
    // What is sent by hand was never counted in.
    if (!isManual) subtract(this.unfinished, shown.endpointId);
  }

  private retryWaitMs(attempt: number): number {
    const { retryFirstMs, retryFactor, retryWaitMaxMs } = this.settings;
    return Math.min(retryFirstMs * retryFactor ** (attempt - 1), retryWaitMaxMs);
  }
}

function subtract(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 1) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}

/** One receiver less to wait for. Thin events don't say who has had them. */
function acknowledge({ event, origin }: Dispatch, { receiver }: DeliveryTarget): void {
  const table = origin.table(eventTable);
  const row = event.payload === 'snapshot' ? table.get(event.record.id) : undefined;
  if (row) table.put({ ...row, awaiting: row.awaiting.filter((id) => id !== receiver.id) });
}
