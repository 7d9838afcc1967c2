import type { Clock } from '../state/clock.ts';
import { eventTable } from '../state/events.ts';
import { bodyOf, type Dispatch, nextAttempt, targetOf } from './delivery.ts';
import { DeliveryLog } from './delivery-log.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import type { DeliverySettings } from './delivery-settings.ts';
import type { DeliveryTarget } from './delivery-targets.ts';
import { ReceiverReach } from './receiver-reach.ts';
import { activeSecrets } from './signing-secrets.ts';
import { Tally } from './tally.ts';
import { Waiters } from './waiters.ts';
import { createWebhookSender, type WebhookAnswer } from './webhook-request.ts';

/** Makes deliveries: several at a time to each receiver, again and again until they succeed or have failed for good. */
export class Courier {
  readonly log = new DeliveryLog();
  settings: DeliverySettings;
  private readonly clock: Clock;
  private readonly sender = createWebhookSender();
  private readonly queue = new DeliveryQueue();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly reach = new ReceiverReach(() => this.sendQueued());
  /** By receiver. */
  private readonly underWay = new Tally();
  /** By receiver: wherever they wait, and those under way. */
  private readonly unfinished = new Tally();
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
    return this.underWay.total();
  }

  /**
   * Counts a delivery in, until it has ended; it may wait anywhere meanwhile. A receiver that is away for hours must
   * neither fill the memory nor take the place of others.
   * @returns false when too many to its receiver have not ended
   */
  admit({ shown }: Dispatch): boolean {
    if (this.unfinished.of(shown.endpointId) >= this.settings.waitingMax) return false;
    this.unfinished.add(shown.endpointId);
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
    this.underWay.add(endpointId);
    const startedAtMs = this.clock.nowMs();
    const { answer, isReached } = await this.sender.send({
      url: target.receiver.url,
      body: bodyOf(dispatch, target),
      secrets: activeSecrets(target.receiver.secrets, startedAtMs),
      timestampSeconds: this.clock.realSeconds(),
      timeoutMs: this.settings.timeoutMs,
    });
    this.underWay.subtract(endpointId);
    if (era === this.era) {
      this.reach.note(endpointId, isReached);
      this.conclude(dispatch, target, { ...answer, startedAtMs });
    }
    this.sendQueued();
    return answer;
  }

  /** Nothing is queued, under way or waiting for its time. */
  isIdle(): boolean {
    return this.queue.size === 0 && this.inFlight === 0 && this.timers.size === 0;
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
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.reach.clear();
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
    return waiting.every((endpointId) => this.reach.isUnreached(endpointId));
  }

  private sendQueued(): void {
    for (const endpointId of this.queue.waitingFor()) {
      const { concurrentMax } = this.settings;
      while (this.underWay.of(endpointId) < this.reach.connectionsOf(endpointId, concurrentMax)) {
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
    if (!isManual) this.unfinished.subtract(shown.endpointId);
  }

  private retryWaitMs(attempt: number): number {
    const { retryFirstMs, retryFactor, retryWaitMaxMs } = this.settings;
    return Math.min(retryFirstMs * retryFactor ** (attempt - 1), retryWaitMaxMs);
  }
}

/** One receiver less to wait for. Thin events don't say who has had them. */
function acknowledge({ event, origin }: Dispatch, { receiver }: DeliveryTarget): void {
  const table = origin.table(eventTable);
  const row = event.payload === 'snapshot' ? table.get(event.record.id) : undefined;
  if (row) table.put({ ...row, awaiting: row.awaiting.filter((id) => id !== receiver.id) });
}
