import { StripeError } from '../../../sandbox/stripe/api/errors.ts';
import { type Customer, storeCustomer } from '../../../sandbox/stripe/resources/customers.ts';
import { Account } from '../../../sandbox/stripe/state/account.ts';
import { createClock } from '../../../sandbox/stripe/state/clock.ts';
import type { EventRecord } from '../../../sandbox/stripe/state/events.ts';
import { createIdSource } from '../../../sandbox/stripe/state/ids.ts';
import { type TestClock, testClockTable } from '../../../sandbox/stripe/state/test-clocks.ts';
import {
  causedByStripe,
  runStep,
  type Transaction,
  type WrittenEvents,
} from '../../../sandbox/stripe/state/transaction.ts';

/** An account without a server, for tests that take thousands of steps. */
export interface BillingBench {
  readonly customer: Customer;
  /** All that was written so far. */
  readonly events: readonly EventRecord[];
  /** One step. @throws what it throws */
  run<Result>(step: (tx: Transaction) => Result): Result;
  /** One step that may be refused, which then changes nothing but what a refusal keeps. */
  attempt(step: (tx: Transaction) => unknown): void;
  /** Sets the customer's time. @param at unix seconds */
  goTo(at: number): void;
}

/** A customer on a clock that stands still. @param at unix seconds */
export function billingBench(at: number): BillingBench {
  const events: EventRecord[] = [];
  const account = new Account({
    id: null,
    clock: createClock(() => at * 1_000),
    ids: createIdSource(1),
    publicUrl: () => 'http://localhost',
  });
  const context = {
    account,
    reactions: new Map(),
    onEvents: ({ snapshot }: WrittenEvents) => void events.push(...snapshot),
    onChanged: () => undefined,
  };
  const run = <Result>(step: (tx: Transaction) => Result): Result => runStep(context, causedByStripe, step);
  const clock: TestClock = {
    id: 'clock_1',
    object: 'test_helpers.test_clock',
    created: at,
    deletes_after: at,
    frozen_time: at,
    livemode: false,
    name: null,
    status: 'ready',
    status_details: {},
  };
  run((tx) => tx.put(testClockTable, clock));
  return {
    customer: run((tx) => storeCustomer(tx, { test_clock: clock.id })),
    events,
    run,
    attempt(step) {
      try {
        run(step);
      } catch (error) {
        if (!(error instanceof StripeError)) throw error;
      }
    },
    goTo: (frozenTime) => void run((tx) => tx.put(testClockTable, { ...clock, frozen_time: frozenTime })),
  };
}
