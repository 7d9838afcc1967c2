import { Faults } from './api/faults.ts';
import { IdempotencyKeys } from './api/idempotency.ts';
import { RequestLimiter, type RequestLimits } from './api/request-limits.ts';
import { RequestLog } from './api/request-log.ts';
import type { Observer } from './observer.ts';
import type { Resource } from './resource.ts';
import { resources } from './resources.ts';
import type { Account } from './state/account.ts';
import { Accounts } from './state/accounts.ts';
import { createClock } from './state/clock.ts';
import { renderEvent } from './state/events.ts';
import { Timeline } from './state/timeline.ts';
import type { Reaction, StepContext } from './state/transaction.ts';
import { Deliveries } from './webhooks/deliveries.ts';
import type { DeliverySettings } from './webhooks/delivery-settings.ts';

/** Longest wait for the answers of webhooks before time moves on to the next thing that is due. */
const sendingWaitMaxMs = 5_000;

/** Everything that one running simulator consists of, but for its server. */
export interface Simulation {
  /** The platform's own account. */
  readonly account: Account;
  /** For steps on the platform's own account. */
  readonly steps: StepContext;
  readonly deliveries: Deliveries;
  readonly faults: Faults;
  readonly limiter: RequestLimiter;
  readonly requests: RequestLog;
  readonly observer: Observer | undefined;
  /** By `object` value. */
  readonly resources: ReadonlyMap<string, Resource>;
  /**
   * @param stripeAccount the `Stripe-Account` header; null for the platform
   * @throws StripeError 403 for what is no account's id, 400 beyond their limit
   */
  ofAccount(stripeAccount: string | null): AccountParts;
  /** The platform's account and those connected to it. */
  everyAccount(): Iterable<StepContext>;
  /** Forgets all state and starts the ids again from the seed. */
  reset(): void;
  /** Moves the time and does what is due until then. @param offsetMs milliseconds beside the given clock */
  moveTime(offsetMs: number): Promise<void>;
  close(): void;
}

/** What each account has for itself. */
export interface AccountParts {
  readonly steps: StepContext;
  readonly idempotency: IdempotencyKeys;
}

export function createSimulation(options: {
  seed: number;
  now: () => number;
  publicUrl: () => string;
  deliverySettings: DeliverySettings;
  /** Events of each kind that each account keeps; many when not given. */
  eventsKeptMax?: number | undefined;
  /** None when not given. */
  requestLimits?: RequestLimits | undefined;
  observer?: Observer | undefined;
}): Simulation {
  const clock = createClock(options.now);
  const { seed, publicUrl, eventsKeptMax } = options;
  const accounts = new Accounts({ clock, seed, publicUrl, eventsKeptMax });
  const deliveries = new Deliveries(accounts, options.deliverySettings);
  const reactions = reactionsOf(resources);
  // Weak, because a reset forgets connected accounts.
  let parts = new WeakMap<Account, AccountParts>();
  const partsOf = (account: Account): AccountParts => {
    const known = parts.get(account);
    if (known) return known;
    const steps: StepContext = {
      account,
      reactions,
      onEvents(events) {
        deliveries.publish(account, events);
        if (options.observer)
          for (const event of events.snapshot) options.observer.onEvent(renderEvent(event));
      },
      onChanged: () => timeline.poke(),
    };
    const made = { steps, idempotency: new IdempotencyKeys() };
    parts.set(account, made);
    return made;
  };
  const everyAccount = (): StepContext[] => [...accounts.all()].map((account) => partsOf(account).steps);
  const timeline = new Timeline({
    clock,
    contexts: everyAccount,
    work: resources.flatMap(({ due }) => due ?? []),
    whenSent: () => deliveries.whenSent(sendingWaitMaxMs),
  });
  const faults = new Faults();
  const limiter = new RequestLimiter(options.requestLimits ?? { perSecond: null });
  const requests = new RequestLog();
  return {
    account: accounts.platform,
    steps: partsOf(accounts.platform).steps,
    deliveries,
    faults,
    limiter,
    requests,
    observer: options.observer,
    resources: new Map(resources.map((resource) => [resource.object, resource])),
    ofAccount: (stripeAccount) => partsOf(accounts.of(stripeAccount)),
    everyAccount,
    reset() {
      deliveries.reset();
      accounts.reset();
      // New ones: what is still running belongs to the keys from before.
      parts = new WeakMap();
      faults.clear();
      limiter.reset();
      requests.clear();
      clock.setOffsetMs(0);
    },
    moveTime: (offsetMs) => timeline.moveTo(() => offsetMs),
    close() {
      timeline.close();
      deliveries.close();
    },
  };
}

function reactionsOf(all: readonly Resource[]): ReadonlyMap<string, readonly Reaction[]> {
  const byType = new Map<string, Reaction[]>();
  for (const resource of all) {
    for (const [type, reaction] of Object.entries(resource.reactions ?? {})) {
      byType.set(type, [...(byType.get(type) ?? []), reaction]);
    }
  }
  return byType;
}
