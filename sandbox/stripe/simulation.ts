import { Faults } from './api/faults.ts';
import { IdempotencyKeys } from './api/idempotency.ts';
import { RequestLog } from './api/request-log.ts';
import type { Resource } from './resource.ts';
import { resources } from './resources.ts';
import { Account } from './state/account.ts';
import { createClock } from './state/clock.ts';
import { createIdSource } from './state/ids.ts';
import { causedByStripe, type Reaction, runStep, type StepContext } from './state/transaction.ts';
import { Deliveries, type DeliverySettings } from './webhooks/deliveries.ts';

/** Everything that one running simulator consists of, but for its server. */
export interface Simulation {
  readonly account: Account;
  readonly steps: StepContext;
  readonly deliveries: Deliveries;
  readonly idempotency: IdempotencyKeys;
  readonly faults: Faults;
  readonly requests: RequestLog;
  /** By `object` value. */
  readonly resources: ReadonlyMap<string, Resource>;
  /** Forgets all state and starts the ids again from the seed. */
  reset(): void;
  /** Moves the time and does what is due then. @param offsetMs milliseconds beside the given clock */
  moveTime(offsetMs: number): void;
}

export function createSimulation(options: {
  seed: number;
  now: () => number;
  publicUrl: () => string;
  deliverySettings: DeliverySettings;
}): Simulation {
  const clock = createClock(options.now);
  const account = new Account({ clock, ids: createIdSource(options.seed), publicUrl: options.publicUrl });
  const deliveries = new Deliveries(account, options.deliverySettings);
  const steps: StepContext = {
    account,
    reactions: reactionsOf(resources),
    onEvents: (events) => deliveries.publish(events),
  };
  const idempotency = new IdempotencyKeys();
  const faults = new Faults();
  const requests = new RequestLog();
  return {
    account,
    steps,
    deliveries,
    idempotency,
    faults,
    requests,
    resources: new Map(resources.map((resource) => [resource.object, resource])),
    reset() {
      deliveries.reset();
      account.reset(createIdSource(options.seed));
      idempotency.clear();
      faults.clear();
      requests.clear();
      clock.setOffsetMs(0);
    },
    moveTime(offsetMs) {
      clock.setOffsetMs(offsetMs);
      for (const resource of resources) {
        const { onTimeMoved } = resource;
        if (onTimeMoved) runStep(steps, causedByStripe, onTimeMoved);
      }
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
