import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from './clock.ts';
import type { DueItem, DueWork } from './due-work.ts';
import { finishAdvance, reachMoment, type TestClock, testClockTable } from './test-clocks.ts';
import { causedByStripe, runStep, type StepContext } from './transaction.ts';

/** How often what has come due is looked for when nobody moves the time. */
const tickMs = 1_000;
/** Steps in a row before other work of the process gets its turn. */
const stepsPerTurn = 50;

export interface TimelineOptions {
  readonly clock: Clock;
  /** One context for each account. */
  readonly contexts: () => Iterable<StepContext>;
  readonly work: readonly DueWork[];
  /**
   * Waits, for a bounded time, until the webhooks of the present moment have been answered: at Stripe, too, days
   * lie between a draft's webhook and what follows from it.
   */
  readonly whenSent: () => Promise<void>;
}

/** Lets time pass: whatever is due happens in order of time, on the account's clock and on its test clocks. */
export class Timeline {
  private readonly options: TimelineOptions;
  private readonly ticker: NodeJS.Timeout;
  private isPoked = false;
  private running: Promise<void> = Promise.resolve();
  private steps = 0;

  constructor(options: TimelineOptions) {
    this.options = options;
    this.ticker = setInterval(() => this.poke(), tickMs).unref();
  }

  /** Something has changed: does what is due by now, soon. */
  poke(): void {
    if (this.isPoked) return;
    this.isPoked = true;
    setImmediate(() => {
      this.isPoked = false;
      void this.moveTo(() => this.options.clock.offsetMs());
    });
  }

  /**
   * Moves the account's time, and does in order of time what is due until then; forward or, without any effect
   * but on the time itself, backward.
   * @param offsetMs milliseconds beside the real time
   */
  moveTo(offsetMs: () => number): Promise<void> {
    const moved = this.running.then(() => this.pass(offsetMs));
    // The caller sees the failure; whoever comes next starts anew.
    this.running = moved.catch(() => undefined);
    return moved;
  }

  close(): void {
    clearInterval(this.ticker);
  }

  private async pass(offsetMs: () => number): Promise<void> {
    const { clock } = this.options;
    for (;;) {
      const next = this.earliest();
      if (!next || next.item.at * 1_000 > clock.realMs() + offsetMs()) break;
      if (next.item.at * 1_000 > clock.nowMs()) {
        await this.options.whenSent();
        clock.setOffsetMs(next.item.at * 1_000 - clock.realMs());
      } else {
        await this.run(next.context, next.item, null);
      }
    }
    clock.setOffsetMs(offsetMs());
    for (const context of this.options.contexts()) await this.advanceTestClocks(context);
  }

  private async advanceTestClocks(context: StepContext): Promise<void> {
    const index = { name: 'status', key: 'advancing' };
    for (const { id } of [...context.account.table(testClockTable).oldestFirst({ index })]) {
      await this.advanceTestClock(context, id);
    }
  }

  private async advanceTestClock(context: StepContext, id: string): Promise<void> {
    for (;;) {
      // Read each time: it may be deleted meanwhile.
      const clock: TestClock | undefined = context.account.table(testClockTable).get(id);
      const target = clock?.status_details.advancing?.target_frozen_time;
      if (!clock || target === undefined) return;
      const item = this.earliestOf(context, id);
      if (!item || item.at > target) {
        await this.options.whenSent();
        runStep(context, causedByStripe, (tx) => finishAdvance(tx, id));
      } else if (item.at > clock.frozen_time) {
        await this.options.whenSent();
        runStep(context, causedByStripe, (tx) => reachMoment(tx, id, item.at));
      } else {
        await this.run(context, item, id);
      }
    }
  }

  /** @throws Error when the work leaves its row as it was: it would be due for ever */
  private async run(context: StepContext, item: DueItem, clock: string | null): Promise<void> {
    runStep(context, causedByStripe, item.run);
    if (this.earliestOf(context, clock)?.row === item.row) {
      throw new Error(`what was due at ${item.at} is still due: ${JSON.stringify(item.row)}`);
    }
    if (++this.steps % stepsPerTurn === 0) await turn();
  }

  private earliest(): { context: StepContext; item: DueItem } | undefined {
    let earliest: { context: StepContext; item: DueItem } | undefined;
    for (const context of this.options.contexts()) {
      const item = this.earliestOf(context, null);
      if (item && (!earliest || item.at < earliest.item.at)) earliest = { context, item };
    }
    return earliest;
  }

  /** Of several at the same second, that of the resource which is listed first. */
  private earliestOf(context: StepContext, clock: string | null): DueItem | undefined {
    let earliest: DueItem | undefined;
    for (const work of this.options.work) {
      const item = work.first(context.account, clock);
      if (item && (!earliest || item.at < earliest.at)) earliest = item;
    }
    return earliest;
  }
}
