import Stripe from 'stripe';
import { insertWebhookEvents } from '../../db/inbox.ts';
import { routeEvent } from '../../domain/webhook-event.ts';
import { activityWorld } from '../activities/activity-world.ts';
import type { TestDatabase } from '../database.ts';
import type { Attempt, Model, Move, StripeEvent } from './model.ts';

/** Syncs that may be needed until the inbox is drained. */
const DRAIN_ROUNDS_MAX = 10;

type Snapshot = { quantity: number; version: number };
/** A real activity that has asked Stripe and waits for the answer. */
type Gate = { answer: (snapshot: Snapshot) => void; break: () => void };

/** One attempt of the real activity: it runs until it asks Stripe, and goes on when the history says so. */
class RealAttempt {
  snapshot: Snapshot | undefined;
  private gate: Gate | undefined;
  private isDone = false;
  private wakeUp: () => void = () => undefined;

  constructor(database: TestDatabase, customer: string) {
    const stripe = new Stripe('sk_test_convergence', {
      maxNetworkRetries: 0,
      telemetry: false,
      httpClient: Stripe.createFetchHttpClient((url) => this.ask(new URL(String(url)), customer)),
    });
    const world = activityWorld({ database: database.database, stripe });
    // What fails is tried again by a later attempt; the end of the history shows whether that was enough.
    void world
      .run(world.syncSubject, { subject: customer, only_pending: true })
      .catch(() => undefined)
      .then(() => {
        this.isDone = true;
        this.wakeUp();
      });
  }

  /** Until it waits for Stripe or has ended. */
  async rest(): Promise<void> {
    while (!this.isDone && !this.gate) {
      await new Promise<void>((resolve) => {
        this.wakeUp = resolve;
      });
    }
  }

  /** Stripe's answer arrives: what it was when it was fetched. */
  async commit(current: Snapshot): Promise<void> {
    const { gate } = this;
    this.gate = undefined;
    gate?.answer(this.snapshot ?? current);
    this.snapshot = undefined;
    await this.rest();
  }

  async finish(current: Snapshot): Promise<void> {
    while (!this.isDone) await this.commit(current);
  }

  /** The process dies: whatever it waited for never comes. */
  async die(): Promise<void> {
    while (!this.isDone) {
      const { gate } = this;
      this.gate = undefined;
      gate?.break();
      await this.rest();
    }
  }

  private ask(url: URL, customer: string): Promise<Response> {
    if (url.pathname.startsWith('/v1/products/')) return Promise.resolve(Response.json(PRODUCT));
    return new Promise((resolve, reject) => {
      this.gate = {
        answer: (snapshot) => resolve(Response.json(subscriptionsOf(customer, snapshot))),
        break: () => reject(new TypeError('the connection broke')),
      };
      this.wakeUp();
    });
  }
}

/** Does a model's moves with the real inbox, the real activity and a real Postgres. */
export class RealSync {
  private readonly database: TestDatabase;
  private readonly model: Model;
  /** Of this history: its customers and events are nobody else's. */
  private readonly suffix: string;
  private readonly attempts = new Map<Attempt, RealAttempt>();
  /** The newest version of each customer that was ever written. */
  private readonly versions = new Map<string, number>();
  private readonly violations: string[] = [];

  constructor(options: { database: TestDatabase; model: Model; suffix: string }) {
    this.database = options.database;
    this.model = options.model;
    this.suffix = options.suffix;
  }

  nameOf(customer: string): string {
    return `${customer}${this.suffix}`;
  }

  async follow(move: Move): Promise<void> {
    switch (move.kind) {
      case 'store':
        return this.store(move.receipt.event);
      case 'step':
        await this.step(move.attempt);
        break;
      case 'attempt_dies':
        await this.attempts.get(move.attempt)?.die();
        break;
      case 'commit_answer_lost':
        await this.attempts.get(move.attempt)?.finish(this.current(move.attempt));
        break;
      default:
        return;
    }
    await this.watchVersion(move.attempt);
  }

  /** What the sweep does at last: syncs whoever has pending events. */
  async drain(): Promise<void> {
    for (const [attempt, real] of this.attempts) await real.finish(this.current(attempt));
    for (let round = 0; round < DRAIN_ROUNDS_MAX; round += 1) {
      const { rows } = await this.database.pool.query<{ subject: string }>(
        "select distinct subject from stripe_webhook_events where status = 'received' and subject like $1",
        [`%${this.suffix}`],
      );
      if (rows.length === 0) return;
      for (const { subject } of rows) {
        const real = new RealAttempt(this.database, subject);
        await real.rest();
        await real.finish(this.snapshotOf(subject));
      }
    }
  }

  /** Everything in which the database is not as Stripe is. */
  async differences(): Promise<string[]> {
    const differences = [...this.violations];
    for (const { name, quantity } of this.model.stripe) {
      if (!this.model.events.some((event) => event.customer === name)) continue;
      const { rows } = await this.database.pool.query(
        `select s.quantity, s.status, t.licensed_user_count from stripe_customers c join tenants t using (tenant)
         left join stripe_subscriptions s using (tenant, stripe_customer_id) where stripe_customer_external_id = $1`,
        [this.nameOf(name)],
      );
      const should = { quantity, status: statusOf(quantity), licensed_user_count: quantity };
      if (JSON.stringify(rows) !== JSON.stringify([should])) {
        differences.push(`I4 ${name} is ${JSON.stringify(rows)}, at Stripe ${JSON.stringify(should)}`);
      }
    }
    const { rows: events } = await this.database.pool.query<{ id: string; status: string }>(
      `select stripe_event_id as id, status from stripe_webhook_events where subject like $1`,
      [`%${this.suffix}`],
    );
    const stored = new Map(events.map(({ id, status }) => [id, status]));
    for (const event of this.model.events) {
      const status = stored.get(this.nameOf(event.id));
      if (event.state === 'acknowledged' && status !== 'processed')
        differences.push(`I3 ${event.id} is ${status}`);
    }
    return differences;
  }

  private async store(event: StripeEvent): Promise<void> {
    const body = {
      id: this.nameOf(event.id),
      object: 'event',
      type: 'customer.subscription.updated',
      livemode: false,
      // All of one second: nothing can be told from it.
      created: 1_700_000_000,
      data: { object: { id: 'sub_any', customer: this.nameOf(event.customer) } },
    };
    const routed = routeEvent(body, false);
    if (!routed) throw new Error('unreachable: this is an event');
    await insertWebhookEvents(this.database.pool, [{ ...routed, payload: JSON.stringify(body) }]);
  }

  /** The real activity notes its events and reads the version in one go; the model does so in two steps. */
  private async step(attempt: Attempt): Promise<void> {
    const real = this.attempts.get(attempt);
    if (!real) {
      const begun = new RealAttempt(this.database, this.nameOf(attempt.customer));
      this.attempts.set(attempt, begun);
      await begun.rest();
    } else if (attempt.stage === 'fetched') {
      real.snapshot = this.current(attempt);
    } else if (attempt.stage !== 'versioned') {
      await real.commit(this.current(attempt));
      if (!this.model.attempts.includes(attempt)) await real.finish(this.current(attempt));
    }
  }

  /** A projection that goes back was overwritten by a stale snapshot. */
  private async watchVersion({ customer }: Attempt): Promise<void> {
    const { rows } = await this.database.pool.query<{ version: number }>(
      `select (metadata ->> 'version')::int as version from stripe_subscriptions
       where stripe_subscription_external_id = $1`,
      [subscriptionOf(this.nameOf(customer))],
    );
    const version = rows[0]?.version ?? 0;
    const newest = this.versions.get(customer) ?? 0;
    if (version < newest)
      this.violations.push(`I4 ${customer} went back from version ${newest} to ${version}`);
    this.versions.set(customer, Math.max(version, newest));
  }

  private current({ customer }: Attempt): Snapshot {
    return this.snapshotOf(this.nameOf(customer));
  }

  private snapshotOf(name: string): Snapshot {
    const found = this.model.stripe.find((customer) => this.nameOf(customer.name) === name);
    if (!found) throw new Error(`nobody is called ${name}`);
    return { quantity: found.quantity, version: found.version };
  }
}

function subscriptionOf(customer: string): string {
  return customer.replace('cus_', 'sub_');
}

const PRODUCT = { id: 'prod_any', object: 'product', name: 'Licence', active: true, metadata: {} };

function statusOf(quantity: number): string {
  return quantity === 0 ? 'canceled' : 'active';
}

function subscriptionsOf(customer: string, { quantity, version }: Snapshot): object {
  const id = subscriptionOf(customer);
  const times = {
    created: 1_700_000_000,
    current_period_start: 1_700_000_000,
    current_period_end: 1_702_592_000,
  };
  const price = {
    id: 'price_any',
    product: PRODUCT.id,
    active: true,
    currency: 'usd',
    unit_amount: 500,
    metadata: {},
  };
  const item = { id: id.replace('sub_', 'si_'), price, quantity, ...times };
  const subscription = {
    id,
    customer,
    status: statusOf(quantity),
    items: { data: [item], has_more: false },
    created: 1_700_000_000,
    cancel_at_period_end: false,
    metadata: { version: String(version) },
  };
  return { object: 'list', url: '/v1/subscriptions', has_more: false, data: [subscription] };
}
