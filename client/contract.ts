import type { CreateTenantInput } from '../domain/create-tenant-input.ts';

/**
 * The names that other services depend on: workflow types, task queue, ids, inputs, results, signals, updates and
 * queries. Importable in workflow code: no dependency but types.
 */
export const WORKFLOW_TYPES = {
  createTenant: 'createTenantWorkflow',
  billingSync: 'billingSyncWorkflow',
  sweepWebhookEvents: 'sweepWebhookEventsWorkflow',
  dunning: 'dunningWorkflow',
  importCustomers: 'importCustomersWorkflow',
  reconcileBilling: 'reconcileBillingWorkflow',
} as const;

export const DEFAULT_TASK_QUEUE = 'alga-psa-workflows';

/** The queue of the activities that call Stripe; the server limits its rate. */
export function stripeTaskQueue(taskQueue: string): string {
  return `${taskQueue}-stripe`;
}

/** Hex digits of the SHA-256 that stands in the id of a purchase without a Stripe customer. */
const PURCHASE_DIGEST_LENGTH = 32;

/**
 * The workflow id of a tenant's creation. The customer is the identity; without one it is the first 32 hex digits of
 * the SHA-256 of the lower-cased e-mail, a line feed and the client name.
 *
 * @param purchase.sha256 hex digest of a text, given by the caller because workflow code has no crypto
 */
export function createTenantWorkflowId(
  purchase: Pick<CreateTenantInput, 'email' | 'client_name' | 'stripe_customer_id'>,
  sha256: (text: string) => string,
): string {
  if (purchase.stripe_customer_id !== undefined) return createTenantWorkflowIdOf(purchase.stripe_customer_id);
  const digest = sha256(`${purchase.email.toLowerCase()}\n${purchase.client_name}`);
  return `${CREATE_TENANT_ID_PREFIX}${digest.slice(0, PURCHASE_DIGEST_LENGTH)}`;
}

export function createTenantWorkflowIdOf(stripeCustomerId: string): string {
  return `${CREATE_TENANT_ID_PREFIX}${stripeCustomerId}`;
}

export const CREATE_TENANT_ID_PREFIX = 'create-tenant-';

export function billingSyncWorkflowId(subject: string): string {
  return `billing-sync-${subject}`;
}

export function dunningWorkflowId(stripeSubscriptionId: string): string {
  return `dunning-${stripeSubscriptionId}`;
}

/** One import of a task queue runs at a time. */
export function importCustomersWorkflowId(taskQueue: string): string {
  return `import-customers-${taskQueue}`;
}

/** Of an import of one subscription alone. */
export function importSubscriptionWorkflowId(stripeSubscriptionId: string): string {
  return `import-subscription-${stripeSubscriptionId}`;
}

/** Of a reconciliation that somebody asked for; those of schedules have ids of their own. */
export function reconcileBillingWorkflowId(taskQueue: string): string {
  return `reconcile-billing-${taskQueue}`;
}

/** What runs by itself: the beginning of each schedule's id. `worker/setup-temporal.ts` says what each does. */
const SCHEDULES = {
  sweepWebhookEvents: 'sweep-webhook-events',
  reconcileEvents: 'reconcile-events',
  reconcileBilling: 'reconcile-billing-daily',
} as const;
export type ScheduleName = keyof typeof SCHEDULES;
export const SCHEDULE_NAMES = Object.keys(SCHEDULES) as readonly ScheduleName[];

/** Two task queues of one namespace have schedules of their own. */
export function scheduleId(name: ScheduleName, taskQueue: string): string {
  return `${SCHEDULES[name]}-${taskQueue}`;
}

/** Memo key of the digest of the checkout that began a run over HTTP. */
export const CHECKOUT_DIGEST_MEMO = 'checkout_digest';

export const SIGNALS = { wake: 'wake' } as const;
export const QUERIES = { progress: 'progress' } as const;
export const UPDATES = { tenant: 'tenant', retry: 'retry', amend: 'amend', abandon: 'abandon' } as const;
/** Updates of a dunning run; each carries `actor` and `reason`. */
export const DUNNING_UPDATES = {
  pause: 'pause',
  resume: 'resume',
  extend: 'extend',
  skipStage: 'skipStage',
  retryPaymentNow: 'retryPaymentNow',
  excludeInvoice: 'excludeInvoice',
  writeOff: 'writeOff',
} as const;

/** Updates of an import; each carries `actor` and `reason`. */
export const IMPORT_UPDATES = { pause: 'pause', resume: 'resume' } as const;

export const SEARCH_ATTRIBUTES = {
  tenantId: 'TenantId',
  stripeCustomerId: 'StripeCustomerId',
  stripeSubscriptionId: 'StripeSubscriptionId',
  tenantryState: 'TenantryState',
} as const;

/** All of ours are of type Keyword. */
export function searchAttributeKey(attribute: keyof typeof SEARCH_ATTRIBUTES) {
  return { name: SEARCH_ATTRIBUTES[attribute], type: 'KEYWORD' } as const;
}

export const CREATE_TENANT_STEPS = [
  'verify_purchase',
  'create_tenant',
  'import_subscription',
  'send_invitation',
  'tag_customer',
  'tag_subscription',
  'claim_events',
] as const;
export type CreateTenantStep = (typeof CREATE_TENANT_STEPS)[number];

/** `waiting` is for an operator; steps that have not begun are not listed. */
export type StepState = 'done' | 'running' | 'waiting' | 'skipped';
export type StepProgress = { name: CreateTenantStep; state: StepState; reason?: string };
export type CreateTenantProgress = { steps: StepProgress[] };

export type { CreateTenantInput };
export type CreateTenantResult = { tenant: string; licensed_user_count: number | null };

/** What every operator's update carries: which step, who, and why. */
export type OperatorCommand = { step: CreateTenantStep; actor: string; reason: string };
export type AmendCommand = OperatorCommand & {
  stripe_subscription_id?: string;
  email?: string;
  initial_license_count?: number;
};

export type BillingSyncInput = { subject: string };
export type BillingSyncResult = {
  rounds: number;
  processed: number;
  ignored: number;
  parked: number;
  licensed_user_count: number | null;
};

export type DunningInput = { stripe_subscription_id: string };
/** `outcome` null: there was no case to follow. */
export type DunningResult = {
  outcome: 'recovered' | 'voided' | 'excluded' | 'canceled' | 'written_off' | null;
};

/** What the query `progress` of a dunning run answers. */
export type DunningProgress = {
  state: string;
  stage: string | null;
  access: string;
  /** The invoice that is followed. */
  invoice: string | null;
  policy_version: string;
  paused_until: string | null;
  /** What the run waits for. */
  waiting: 'next_stage' | 'mail_server' | 'paused' | 'processing' | 'unreachable' | null;
  calendar: {
    stage: string;
    at: string;
    state: string;
    notice: string | null;
    effect: string | null;
    is_entered: boolean;
  }[];
};

/** What every operator's update of a dunning run carries, and what some carry beside it. */
export type DunningOrder = {
  actor: string;
  reason: string;
  /** pause: an instant of ISO 8601. */
  until?: string;
  /** extend: days by which every stage to come is put off. */
  days?: number;
  /** skipStage: by its name; the next one when it is missing. */
  stage?: string;
  /** excludeInvoice: Stripe's id. */
  invoice?: string;
};

export type SweepResult = {
  /** Subjects with due events that this sweep took on; a bounded number, the others are the next one's. */
  subjects: number;
  woken: number;
  /** Wakes that Temporal refused; the next sweep finds their subjects again. */
  failed_wakes: number;
  /** Events of woken subjects whose attempts failed before. */
  retried_events: number;
  /** Parked events whose customer got a tenant since; they are pending again. */
  parked_claimed: number;
  /** Dunning cases that nobody had been woken for. */
  dunning_woken?: number;
  /** Mails that no workflow sends. */
  notices_sent?: number;
};

/** Without anything: a dry run, which writes a plan and nothing else. */
export type ImportCustomersInput = {
  /** Links customers to tenants and writes their subscriptions. */
  apply?: boolean;
  /** Paying customers without a tenant get one. */
  create_missing?: boolean;
  /** Writes the tenant's id to the metadata of each customer in Stripe that doesn't name it yet. */
  tag?: boolean;
  /** Nothing but the proof: what Stripe lists against what we hold. */
  proof_only?: boolean;
  /** One subscription alone, with all others of its customer, for a tenant that is named; it is always applied. */
  one?: { subscription: string; tenant: string };
};

export type ImportPhase = 'listing' | 'matching' | 'applying' | 'creating' | 'tagging' | 'proving' | 'done';

/** What the query `progress` of an import answers. */
export type ImportProgress = {
  /** Names the rows of the plan; the id of the first run of the chain. */
  listing: string;
  phase: ImportPhase;
  paused: boolean;
  pages: number;
  subscriptions: number;
  customers: number;
  /** Customers by what becomes of them; those that were not judged yet are none of them. */
  known: number;
  linked: number;
  created: number;
  conflicts: number;
  left: number;
  tagged: number;
  /** Customers whose rows were written. */
  written: number;
  /** Of the phase, from 0 to 1; null when nobody can say. */
  done_share: number | null;
  /** When the phase ends at the pace so far; null when nobody can say. */
  estimated_end: string | null;
};

/** One status of the proof. `differing` is what must be 0: ours and Stripe's don't agree, and no decision says why. */
export type ProofByStatus = {
  status: string;
  stripe: number;
  ours: number;
  /** Stripe's that are not ours because of a conflict, or because their customer was left. */
  left_out: number;
  differing: number;
};

export type ImportCustomersResult = Omit<
  ImportProgress,
  'phase' | 'paused' | 'done_share' | 'estimated_end'
> & {
  applied: boolean;
  /** null for a dry run: there is nothing to prove. Stripe's objects until then were looked at, ISO 8601. */
  proof: { by_status: ProofByStatus[]; differences: number; until: string } | null;
};

export type ReconcileBillingInput = {
  /** Reports and records, but repairs nothing. */
  dry_run?: boolean;
  /** One half alone; both without it. */
  only?: 'events' | 'subscriptions';
};

/** What the query `progress` of a reconciliation answers. */
export type ReconcileProgress = { step: string; figures: ReconcileBillingResult };

export type ReconcileBillingResult = {
  /** Names what the run saw in `billing_drift.last_seen_by`. */
  listing: string;
  /** Of Stripe's list, those that concern us. */
  events_checked: number;
  events_missing: number;
  subscriptions_checked: number;
  invoices_checked: number;
  tenants_checked: number;
  products_checked: number;
  drift_found: number;
  drift_repaired: number;
  /** What stands: not repaired, or only reported. */
  drift_left: number;
};
