import { WorkflowUpdateFailedError } from '@temporalio/client';
import { type DunningOrder, type DunningProgress, QUERIES } from '../../client/contract.ts';
import type { DunningCommandName } from '../../domain/dunning-command.ts';
import type { StripeCustomerId } from '../../domain/ids.ts';
import type { DunningHandle } from './dunning-runs.ts';
import type { DunningWorld } from './dunning-world.ts';

/** Who has to pay. */
export type Customer = { tenant: string; id: StripeCustomerId; email: string };

const DAY_MS = 24 * 60 * 60 * 1_000;
const MINUTE_MS = 60_000;

/** What was told, and how many days after the case's first failure, to two decimals. */
export type Told = [kind: string, day: number];

export type CaseRow = {
  state: string;
  stage: string | null;
  access: string;
  anchor_invoice: string | null;
  outcome: string | null;
  is_unreachable: boolean;
  closed_at: Date | null;
  version: string;
};

/** A subscription that is unpaid, and how its dunning stands. */
export class UnpaidCase {
  /** Stripe's ids. */
  readonly subscription: string;
  readonly invoice: string;
  readonly customer: Customer;
  /** Of the invoice's first failure; days count from here. */
  readonly since: Date;
  readonly #world: DunningWorld;

  private constructor(
    world: DunningWorld,
    facts: { customer: Customer; subscription: string; invoice: string; since: Date },
  ) {
    this.#world = world;
    this.customer = facts.customer;
    this.subscription = facts.subscription;
    this.invoice = facts.invoice;
    this.since = facts.since;
  }

  /** The case of the oldest invoice that is unpaid. */
  static async of(world: DunningWorld, customer: Customer, subscription: string): Promise<UnpaidCase> {
    const { rows } = await world.pool.query<{ invoice: string; since: Date }>(
      `select i.stripe_invoice_external_id as invoice, i.unpaid_since as since from stripe_invoices i
       join stripe_subscriptions s on s.tenant = i.tenant and s.stripe_subscription_id = i.stripe_subscription_id
       where s.stripe_subscription_external_id = $1 and i.unpaid_since is not null order by i.unpaid_since`,
      [subscription],
    );
    if (rows[0] === undefined) throw new Error(`nothing of ${subscription} is unpaid`);
    return new UnpaidCase(world, { customer, subscription, ...rows[0] });
  }

  get run(): DunningHandle {
    return this.#world.runs.of(this.subscription);
  }

  /** So many days after the first failure. */
  at(days: number): Date {
    return new Date(this.since.getTime() + days * DAY_MS);
  }

  /** Until so many days after the first failure and a minute, and until all that was due has happened. */
  async reach(days: number): Promise<void> {
    await this.#world.reach(new Date(this.at(days).getTime() + MINUTE_MS));
  }

  /** The customer pays; nobody is told of it yet. */
  async pay(invoice = this.invoice): Promise<void> {
    const { control, stripe } = this.#world;
    await control.setPaymentFate({
      customer: this.customer.id,
      payments: 'next',
      outcome: { kind: 'succeed' },
    });
    await stripe.invoices.pay(invoice);
  }

  /**
   * An upgrade so many days after the first failure, which is billed at once and can't be paid either.
   *
   * @returns the invoice that it makes
   */
  async anotherInvoice(day: number): Promise<string> {
    const { stripe, stripeReaches } = this.#world;
    await this.reach(day);
    await stripeReaches(this.at(day));
    const { items } = await stripe.subscriptions.retrieve(this.subscription);
    const { latest_invoice: made } = await stripe.subscriptions.update(this.subscription, {
      items: items.data.map(({ id }) => ({ id, quantity: 3 })),
      proration_behavior: 'always_invoice',
    });
    if (typeof made !== 'string' || made === this.invoice) throw new Error('the upgrade made no invoice');
    await this.sync();
    return made;
  }

  /** What billing sync does, with events of these invoices. */
  async sync(...invoices: string[]): Promise<void> {
    await this.#world.sync(this.customer.id, invoices);
  }

  /** Why an operator's command is refused. */
  async refusal(
    name: DunningCommandName,
    more: Omit<DunningOrder, 'actor' | 'reason'> = {},
  ): Promise<string> {
    try {
      await this.order(name, more);
    } catch (error) {
      return reasonOf(error);
    }
    throw new Error(`${name} was not refused`);
  }

  /** An operator's command; an update id of its own unless one is given. */
  async order(
    name: DunningCommandName,
    more: Omit<DunningOrder, 'actor' | 'reason'> & { updateId?: string } = {},
  ): Promise<unknown> {
    const { updateId = crypto.randomUUID(), ...order } = more;
    const answer = await this.run.executeUpdate<unknown, [DunningOrder]>(name, {
      updateId,
      args: [{ actor: 'ada', reason: 'looked into it', ...order }],
    });
    await this.#world.runs.quiet();
    return answer;
  }

  async progress(): Promise<DunningProgress> {
    return this.run.query<DunningProgress>(QUERIES.progress);
  }

  /** Every notice of this subscription that the mail server took, in order. */
  async told(): Promise<Told[]> {
    const taken = this.#world.mailServer.taken.map(({ messageId, at }) => ({
      id: messageId.replace(/^<|@.*$/g, ''),
      at,
    }));
    const { rows } = await this.#world.pool.query<{ id: string; kind: string }>(
      `select n.notification_id as id, n.kind from notifications n
       join dunning_cases c on c.tenant = n.tenant and c.dunning_case_id = n.dunning_case_id
       where c.stripe_subscription_external_id = $1`,
      [this.subscription],
    );
    const kinds = new Map(rows.map(({ id, kind }) => [id, kind]));
    return taken.flatMap(({ id, at }): Told[] => {
      const kind = kinds.get(id);
      return kind === undefined ? [] : [[kind, this.#day(at)]];
    });
  }

  #day(at: Date): number {
    return Math.round(((at.getTime() - this.since.getTime()) / DAY_MS) * 100) / 100;
  }

  async access(): Promise<string> {
    const { rows } = await this.#world.pool.query<{ access_state: string }>(
      'select access_state from tenants where tenant = $1',
      [this.customer.tenant],
    );
    return rows[0]?.access_state ?? 'no tenant';
  }

  /** The case that was opened last. */
  async row(): Promise<CaseRow> {
    const [row] = await this.#rows<CaseRow>(
      `select c.*, p.version from dunning_cases c join dunning_policies p using (dunning_policy_id)
       where c.stripe_subscription_external_id = $1 order by c.opened_at desc, c.closed_at desc nulls first limit 1`,
    );
    if (row === undefined) throw new Error(`${this.subscription} has no case`);
    return row;
  }

  /** Stages in the order in which they were entered. */
  async steps(): Promise<
    { stage: string; anchor_invoice: string; is_applied: boolean; notice: string | null }[]
  > {
    return this.#rows(
      `select s.stage, s.anchor_invoice, s.is_applied, n.status as notice from dunning_steps s
       join dunning_cases c on c.tenant = s.tenant and c.dunning_case_id = s.dunning_case_id
       left join notifications n on n.tenant = s.tenant and n.notification_id = s.notification_id
       where c.stripe_subscription_external_id = $1 order by s.entered_at, s.stage`,
    );
  }

  /** The record, each entry with the stage that it is about, or the outcome. */
  async story(): Promise<string[]> {
    const rows = await this.#rows<{ kind: string; about: string | null }>(
      `select e.kind, coalesce(e.detail->>'outcome', e.stage) as about from dunning_events e
       join dunning_cases c on c.tenant = e.tenant and c.dunning_case_id = e.dunning_case_id
       where c.stripe_subscription_external_id = $1 order by e.position`,
    );
    return rows.map(({ kind, about }) => (about === null ? kind : `${kind} ${about}`));
  }

  /** Operators' commands on record: in the case's own and in the audit log. */
  async commands(): Promise<{ command: string; actor: string; reason: string; audited: string }[]> {
    return this.#rows(
      `select e.detail->>'command' as command, e.actor, e.reason, a.action || ' ' || a.actor || ' ' || a.reason as audited
       from dunning_events e
       join dunning_cases c on c.tenant = e.tenant and c.dunning_case_id = e.dunning_case_id
       left join audit_log a on a.command_key = e.command_key
       where c.stripe_subscription_external_id = $1 and e.kind = 'command' order by e.position`,
    );
  }

  async #rows<Row extends object>(text: string): Promise<Row[]> {
    return (await this.#world.pool.query<Row>(text, [this.subscription])).rows;
  }
}

/** What the operator is shown: the message beneath what Temporal says of an update. */
function reasonOf(error: unknown): string {
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
  if (cause === undefined) throw error;
  return cause.message;
}
