import { Context } from '@temporalio/activity';
import type { ImportedSubscriptions } from '../../activities/billing-sync.ts';
import type { Activities, StripeActivities } from '../../activities/create-activities.ts';
import type { SyncRound } from '../../activities/sync-round.ts';
import type { CreatedTenant, OperatorAction } from '../../activities/tenants.ts';
import { Failure, type FailureName } from '../../domain/failures.ts';
import type { Interruption } from './interruptions.ts';

type AllActivities = Activities & StripeActivities;
export type ActivityName = keyof AllActivities;
type Input<Name extends ActivityName> = Parameters<AllActivities[Name]>[0];
type Call = { activity: ActivityName; input: unknown; attempt: number };

export const APP_URL = 'https://app.example';
const NO_ROUND: SyncRound = {
  processed: 0,
  ignored: 0,
  parked: 0,
  tenant: null,
  licensed_user_count: null,
  more: false,
};

/**
 * Everything that activities touch, in memory: Postgres, Stripe, the mail server. It is as idempotent as they are and no
 * more, by the same keys: a workflow that changes a key between two tries has two effects here.
 */
export class FakeWorld {
  /** Every try of every activity, in order. */
  readonly calls: Call[] = [];
  /** What happened, once for each key. */
  readonly effects: { activity: ActivityName; key: string }[] = [];
  /** The customer's live subscriptions in Stripe, with their licences. */
  readonly subscriptions = new Map<string, number>();
  readonly tenants = new Map<string, CreatedTenant & { email: string }>();
  readonly refusedRecipients = new Set<string>();
  readonly mails: { tenant: string; to: string }[] = [];
  readonly audit: OperatorAction[] = [];
  readonly woken: string[] = [];
  /** What the next rounds of billing sync do; after them a round does nothing. */
  readonly rounds: SyncRound[] = [];
  /** What the inbox answers a run that asks before another round. */
  isPending = true;
  parkedEvents = 0;
  /** The tenant that the customer belongs to before anything begins. */
  owner: string | undefined;
  readonly #broken = new Map<ActivityName, FailureName>();
  readonly #interruptions = new Map<ActivityName, Interruption[]>();
  readonly #done = new Map<string, unknown>();

  /** From now on each try of the activity fails before its effect, until `mend`. */
  break(activity: ActivityName, failure: FailureName): void {
    this.#broken.set(activity, failure);
  }

  mend(activity: ActivityName): void {
    this.#broken.delete(activity);
  }

  /** What befalls the next tries of the activity, one each. */
  interrupt(activity: ActivityName, ...interruptions: Interruption[]): void {
    this.#interruptions.set(activity, [...(this.#interruptions.get(activity) ?? []), ...interruptions]);
  }

  /** How often each thing happened: more than 1 anywhere in a key's place is a second effect. */
  keysOf(activity: ActivityName): string[] {
    return this.effects.filter((effect) => effect.activity === activity).map((effect) => effect.key);
  }

  callsOf(activity: ActivityName): Call[] {
    return this.calls.filter((call) => call.activity === activity);
  }

  createTenant({ provisioning_key, purchase }: Input<'createTenant'>): CreatedTenant {
    return this.#once('createTenant', provisioning_key, () => {
      const tenant = {
        tenant: this.owner ?? crypto.randomUUID(),
        licensed_user_count: purchase.initial_license_count ?? null,
        is_own: this.owner === undefined,
        app_url: APP_URL,
        email: purchase.email,
      };
      this.tenants.set(tenant.tenant, tenant);
      return { ...tenant };
    });
  }

  recordOperatorAction(action: OperatorAction): void {
    this.#once('recordOperatorAction', `${action.workflow_id}/${action.command_id}`, () => {
      this.audit.push(action);
      const tenant = this.tenants.get(action.tenant);
      if (tenant && action.correction?.email !== undefined) tenant.email = action.correction.email;
    });
  }

  sendInvitation({ tenant }: Input<'sendInvitation'>): { sent: boolean } {
    const to = this.tenants.get(tenant)?.email ?? '';
    if (this.refusedRecipients.has(to)) throw new Failure('RecipientRefused', 'No such mailbox');
    return this.#once('sendInvitation', tenant, () => {
      this.mails.push({ tenant, to });
      return { sent: true };
    });
  }

  importSubscriptions({ customer, subscription }: Input<'importSubscriptions'>): ImportedSubscriptions {
    if (subscription !== undefined && !this.subscriptions.has(subscription)) {
      throw new Failure('SubscriptionNotFound', `Stripe does not know ${subscription}`);
    }
    return this.#once('importSubscriptions', customer, () => ({
      licensed_user_count: [...this.subscriptions.values()].reduce((sum, count) => sum + count, 0),
      subscription_ids: [...this.subscriptions.keys()],
    }));
  }

  tagCustomer({ key, customer }: Input<'tagCustomer'>): void {
    this.#once('tagCustomer', `${key}/${customer}`, () => undefined);
  }

  tagSubscriptions({ key, subscriptions }: Input<'tagSubscriptions'>): void {
    for (const id of subscriptions) this.#once('tagSubscriptions', `${key}/${id}`, () => undefined);
  }

  claimEvents({ customer }: Input<'claimEvents'>): { pending: number } {
    return this.#once('claimEvents', customer, () => ({ pending: this.parkedEvents }));
  }

  wakeBillingSync({ subject }: Input<'wakeBillingSync'>): void {
    this.woken.push(subject);
  }

  settlePurchaseEvents({ stripe_event_ids }: Input<'settlePurchaseEvents'>): void {
    for (const id of stripe_event_ids) this.#once('settlePurchaseEvents', id, () => undefined);
  }

  syncRound(): SyncRound {
    return this.rounds.shift() ?? NO_ROUND;
  }

  /** One try of an activity: noted, then interrupted as the test wants it. */
  async attempt<T>(activity: ActivityName, input: unknown, effect: () => T): Promise<T> {
    this.calls.push({ activity, input, attempt: Context.current().info.attempt });
    const broken = this.#broken.get(activity);
    if (broken) throw new Failure(broken, 'Broken by the test');
    const interruption = this.#interruptions.get(activity)?.shift();
    return interruption ? interruption(effect) : effect();
  }

  #once<T>(activity: ActivityName, key: string, effect: () => T): T {
    const id = `${activity} ${key}`;
    if (!this.#done.has(id)) {
      this.effects.push({ activity, key });
      this.#done.set(id, effect());
    }
    return this.#done.get(id) as T;
  }
}

export function round(changes: Partial<SyncRound>): SyncRound {
  return { ...NO_ROUND, ...changes };
}
