import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  currentUpdateInfo,
  defineQuery,
  defineUpdate,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ImportedSubscriptions } from '../activities/billing-sync.ts';
import type { CreatedTenant, OperatorAction } from '../activities/tenants.ts';
import {
  type AmendCommand,
  type CreateTenantInput,
  type CreateTenantProgress,
  type CreateTenantResult,
  type OperatorCommand,
  QUERIES,
  UPDATES,
} from '../client/contract.ts';
import { type Purchase, readPurchase } from '../domain/create-tenant-input.ts';
import type { StripeCustomerId } from '../domain/ids.ts';
import { readAmendCommand, readOperatorCommand } from '../domain/operator-command.ts';
import { activities, stripeActivities } from './activities.ts';
import { createTenantDetails, type RunPhase } from './create-tenant-details.ts';
import { type OperatedStep, OperatedSteps, rootFailure } from './operated-steps.ts';
import { showRunState } from './run-state.ts';

const tenantUpdate = defineUpdate<string>(UPDATES.tenant);
const retryUpdate = defineUpdate<void, [OperatorCommand]>(UPDATES.retry);
const amendUpdate = defineUpdate<void, [AmendCommand]>(UPDATES.amend);
const abandonUpdate = defineUpdate<void, [OperatorCommand]>(UPDATES.abandon);
const progressQuery = defineQuery<CreateTenantProgress>(QUERIES.progress);

/**
 * Makes a tenant of a purchase. Before the tenant's row exists a failure ends the run and leaves nothing behind; after
 * it recovery is forward only: what can't be retried away waits for an operator, the rest goes on.
 *
 * A second run of the same id finds the tenant by the id and answers the same.
 *
 * @throws ApplicationFailure InvalidInput, CustomerNotFound, CustomerDeleted, SubscriptionOfAnotherCustomer
 */
export async function createTenantWorkflow(input: CreateTenantInput): Promise<CreateTenantResult> {
  const run = new CreateTenantRun();
  try {
    const result = await run.provision(input);
    await condition(allHandlersFinished);
    return result;
  } catch (error) {
    const failure = isCancellation(error) ? error : rootFailure(error);
    if (failure instanceof ApplicationFailure) run.fail(failure);
    else run.cancel();
    // Also of a cancelled run: the server takes no answer after the command that ends it, and the run would hang.
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    throw failure;
  }
}

class CreateTenantRun {
  readonly #steps = new OperatedSteps(() => this.#show());
  readonly #workflowId = workflowInfo().workflowId;
  #purchase: Purchase | undefined;
  #created: CreatedTenant | undefined;
  #failure: ApplicationFailure | undefined;
  #isOver = false;
  #isCancelled = false;
  #shownPhase: RunPhase | undefined;

  constructor() {
    setHandler(progressQuery, () => ({ steps: this.#steps.progress }));
    // An update, because the caller waits for the answer: it comes as soon as the row exists.
    setHandler(tenantUpdate, async () => {
      await condition(() => this.#created !== undefined || this.#failure !== undefined);
      if (this.#created === undefined) throw this.#failure ?? new Error('unreachable');
      return this.#created.tenant;
    });
    const isCommand = {
      validator: (command: OperatorCommand) => this.#validate(readOperatorCommand, command),
    };
    setHandler(retryUpdate, (command) => this.#decide('retry', command), isCommand);
    setHandler(abandonUpdate, (command) => this.#decide('abandon', command), isCommand);
    setHandler(amendUpdate, (command) => this.#amend(command), {
      validator: (command) => this.#validate(readAmendCommand, command),
    });
  }

  async provision(input: CreateTenantInput): Promise<CreateTenantResult> {
    const purchase = readPurchase(input);
    this.#purchase = purchase;
    const customer = purchase.stripe_customer_id;
    await this.#verify(purchase);
    const created = await this.#create(purchase);
    const importing = await this.#import(customer);
    // Which subscriptions there are may have to wait for an operator; the rest of the run does not.
    const tagging = importing.settled.then((imported) => this.#tagSubscriptions(created, imported));
    tagging.catch(() => undefined);
    // None of these needs another, so a mail server that is away holds up nothing but the mail.
    const others = await Promise.all([
      this.#invite(created),
      this.#tagCustomer(created, customer),
      this.#claim(created, customer),
    ]);
    for (const step of [...others, await tagging]) await step.settled;
    const imported = await importing.settled;
    this.#isOver = true;
    this.#show();
    return {
      tenant: created.tenant,
      licensed_user_count: imported ? imported.licensed_user_count : created.licensed_user_count,
    };
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#show();
  }

  fail(failure: ApplicationFailure): void {
    this.#failure = failure;
    this.#show();
  }

  async #verify({
    stripe_customer_id: customer,
    stripe_subscription_id: subscription,
  }: Purchase): Promise<void> {
    if (customer === undefined) {
      this.#steps.skip('verify_purchase', WITHOUT_CUSTOMER);
      return;
    }
    await this.#steps.run('verify_purchase', () =>
      stripeActivities('Customer known, subscription its own?').verifyPurchase({
        customer,
        ...(subscription !== undefined && { subscription }),
      }),
    );
  }

  async #create(purchase: Purchase): Promise<CreatedTenant> {
    this.#created = await this.#steps.run('create_tenant', () =>
      activities('Tenant, customer, licence count and invitation in one transaction').createTenant({
        provisioning_key: this.#workflowId,
        purchase,
      }),
    );
    showRunState({ tenantId: this.#created.tenant });
    return this.#created;
  }

  async #import(customer: StripeCustomerId | undefined): Promise<OperatedStep<ImportedSubscriptions>> {
    if (customer === undefined) return this.#steps.skip('import_subscription', WITHOUT_CUSTOMER);
    return this.#steps.begin('import_subscription', () => {
      // Read at each try: an operator may have corrected it.
      const subscription = this.#purchase?.stripe_subscription_id;
      return stripeActivities('All subscriptions of the customer').importSubscriptions({
        customer,
        ...(subscription !== undefined && { subscription }),
      });
    });
  }

  async #invite({ tenant, is_own }: CreatedTenant): Promise<OperatedStep<unknown>> {
    if (!is_own) return this.#steps.skip('send_invitation', 'the customer belonged to a tenant already');
    return this.#steps.begin('send_invitation', () =>
      activities('One-time link for the first admin').sendInvitation({ tenant }),
    );
  }

  async #tagCustomer(
    created: CreatedTenant,
    customer: StripeCustomerId | undefined,
  ): Promise<OperatedStep<void>> {
    if (customer === undefined) return this.#steps.skip('tag_customer', WITHOUT_CUSTOMER);
    const { tenant, app_url } = created;
    const key = `${this.#workflowId}/tag_customer`;
    return this.#steps.begin('tag_customer', () =>
      stripeActivities('Tenant and address to the customer in Stripe').tagCustomer({
        customer,
        tenant,
        app_url,
        key,
      }),
    );
  }

  async #tagSubscriptions(
    { tenant }: CreatedTenant,
    imported: ImportedSubscriptions | undefined,
  ): Promise<OperatedStep<void>> {
    const subscriptions = imported?.subscription_ids ?? [];
    if (subscriptions.length === 0) return this.#steps.skip('tag_subscription', 'no subscription is known');
    const key = `${this.#workflowId}/tag_subscription`;
    return this.#steps.begin('tag_subscription', () =>
      stripeActivities('Tenant to the subscriptions in Stripe').tagSubscriptions({
        subscriptions,
        tenant,
        key,
      }),
    );
  }

  async #claim(
    { tenant }: CreatedTenant,
    customer: StripeCustomerId | undefined,
  ): Promise<OperatedStep<void>> {
    if (customer === undefined) return this.#steps.skip('claim_events', WITHOUT_CUSTOMER);
    return this.#steps.begin('claim_events', async () => {
      const { pending } = await activities('Events that came before the tenant').claimEvents({
        customer,
        tenant,
      });
      if (pending > 0) await activities('Sync of what was claimed').wakeBillingSync({ subject: customer });
    });
  }

  #validate(readCommand: (value: unknown) => { step: string }, command: unknown): void {
    try {
      this.#steps.expectWaiting(readCommand(command).step);
    } catch (error) {
      throw rootFailure(error);
    }
  }

  async #decide(action: 'retry' | 'abandon', value: OperatorCommand): Promise<void> {
    const command = readOperatorCommand(value);
    await this.#steps.decide(command.step, action, () => this.#record({ ...command, action }));
  }

  async #amend(command: AmendCommand): Promise<void> {
    const { step, actor, reason, ...fields } = readAmendCommand(command);
    const correction = withoutUndefined(fields);
    await this.#steps.decide(step, 'retry', async () => {
      await this.#record({ step, actor, reason, action: 'amend', correction });
      this.#correct(correction);
    });
  }

  #correct(correction: Partial<Purchase>): void {
    if (this.#purchase) this.#purchase = { ...this.#purchase, ...correction };
    const { initial_license_count: count, stripe_subscription_id: stripeSubscriptionId } = correction;
    if (this.#created && count !== undefined) this.#created.licensed_user_count = count;
    showRunState({ stripeSubscriptionId });
  }

  #record(
    command: Pick<OperatorAction, 'action' | 'step' | 'actor' | 'reason' | 'correction'>,
  ): Promise<void> {
    return activities('Who decided what, and why').recordOperatorAction({
      ...command,
      tenant: this.#created?.tenant ?? '',
      workflow_id: this.#workflowId,
      // Equal on every retry of the recording, so it is recorded once.
      command_id: currentUpdateInfo()?.id ?? '',
    });
  }

  /** Search attributes change with the phase only: each change is an event of the history. */
  #show(): void {
    const steps = this.#steps.progress;
    const phase = this.#phase();
    setCurrentDetails(
      createTenantDetails({ workflowId: this.#workflowId, phase, steps, failure: this.#failure }),
    );
    if (phase === this.#shownPhase) return;
    showRunState({
      tenantryState: phase,
      ...(this.#shownPhase === undefined && {
        stripeCustomerId: this.#purchase?.stripe_customer_id,
        stripeSubscriptionId: this.#purchase?.stripe_subscription_id,
      }),
    });
    this.#shownPhase = phase;
  }

  #phase(): RunPhase {
    if (this.#isCancelled) return 'canceled';
    if (this.#failure) return 'failed';
    if (this.#isOver) return 'completed';
    return this.#steps.isWaiting ? 'waiting' : 'running';
  }
}

const WITHOUT_CUSTOMER = 'the purchase names no Stripe customer';

function withoutUndefined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
