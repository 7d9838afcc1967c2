import { randomUUID } from 'node:crypto';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { expect, test } from 'vitest';
import type { DunnedCase, DunningLook } from '../../activities/dunning.ts';
import { createDunningCommandActivities } from '../../activities/dunning-commands.ts';
import { stripeTaskQueue } from '../../client/contract.ts';
import { wakeDunning } from '../../client/wake-dunning.ts';
import { keepPolicy } from '../../db/dunning-policies.ts';
import { nameFailures } from '../../worker/failure-interceptor.ts';
import { WORKFLOW_SOURCE } from '../../worker/workflow-source.ts';
import { useDatabase } from '../database.ts';
import { billingRows, DUNNING_POLICY, newId } from '../db/billing-rows.ts';
import { useSetUpTemporal, useWorkers } from '../temporal.ts';
import { runCli } from './run-cli.ts';

const NOBODY = '127.0.0.1:1';
const TASK_QUEUE = randomUUID();
const UNSERVED = randomUUID();
const WHO = ['--actor', 'grace', '--reason', 'they called'];
const { database, pool, url } = await useDatabase();
const rows = billingRows({ database, pool });
const policy = await database.transaction((transaction) => keepPolicy(transaction, DUNNING_POLICY));

/** What the runs of this file see when they look, by subscription. */
const dunned = new Map<string, DunnedCase>();
/** Invoices that can't be charged. */
const declined = new Set<string>();

// Refusals are part of what is tested.
Runtime.install({ logger: new DefaultLogger('ERROR') });

const temporal = await useSetUpTemporal();
const { client } = temporal;
await useWorkers(
  temporal,
  {
    taskQueue: TASK_QUEUE,
    ...WORKFLOW_SOURCE,
    activities: createDunningCommandActivities({ database }),
    interceptors: { activity: [(context) => ({ inbound: nameFailures(context) })] },
  },
  { taskQueue: stripeTaskQueue(TASK_QUEUE), activities: { lookAtDunning, payInvoiceNow } },
);

async function lookAtDunning({ subscription }: { subscription: string }): Promise<DunningLook> {
  return {
    next: { do: 'wait', until: null, because: 'next_stage' },
    dunned: dunned.get(subscription) ?? null,
    wake: [],
  };
}

async function payInvoiceNow({ invoice }: { invoice: string }) {
  return declined.has(invoice)
    ? { paid: false, decline_code: 'insufficient_funds' }
    : { paid: true, decline_code: null };
}

const dunning = (args: string[], env: Record<string, string> = {}) =>
  runCli(['dunning', ...args], {
    DATABASE_URL: url,
    ...temporal.env,
    TASK_QUEUE,
    ...env,
  });

type CaseRow = {
  state?: string;
  outcome?: string | null;
  unreachable?: boolean;
  isPaused?: boolean;
  opened?: string;
};

/** An unpaid subscription with its case, a day old. */
async function unpaid(row: CaseRow = {}) {
  const { subscription, tenant } = await rows.tenantWithSubscription();
  const invoice = newId('in');
  await pool.query(
    `insert into stripe_invoices (tenant, stripe_invoice_external_id, stripe_customer_id, stripe_subscription_id, status,
       collection_method, currency, amount_due, amount_paid, amount_remaining, attempt_count, unpaid_since, stripe_created_at)
     select tenant, $2, stripe_customer_id, stripe_subscription_id, 'open', 'charge_automatically', 'usd', 4900, 0, 4900, 1,
       '2026-03-01T12:00:00Z', now()
     from stripe_subscriptions where stripe_subscription_external_id = $1`,
    [subscription, invoice],
  );
  const { rows: made } = await pool.query<{ id: string }>(
    `insert into dunning_cases (tenant, stripe_subscription_id, stripe_subscription_external_id, dunning_policy_id, state,
       anchor_invoice, paused_until, is_unreachable, outcome, attention_due_at, opened_at, closed_at)
     select tenant, stripe_subscription_id, stripe_subscription_external_id, $2, $3, $4,
       case when $5 then now() + interval '1 day' end, $6, $7, now(), now() - $8::interval, case when $7::text is not null then now() end
     from stripe_subscriptions where stripe_subscription_external_id = $1
     returning dunning_case_id as id`,
    [
      subscription,
      policy,
      row.state ?? 'retrying',
      invoice,
      row.isPaused ?? false,
      row.unreachable ?? false,
      row.outcome ?? null,
      row.opened ?? '1 day',
    ],
  );
  return { subscription, tenant, invoice, caseId: made[0]?.id ?? '' };
}

/** Operators' commands on record of a subscription, each with its entry in the audit log. */
const commands = async (subscription: string) =>
  (
    await pool.query(
      `select e.detail, e.actor, e.reason, a.action, a.subject from dunning_events e
       join dunning_cases c using (tenant, dunning_case_id)
       left join audit_log a on a.command_key = e.command_key
       where c.stripe_subscription_external_id = $1 and e.kind = 'command' order by e.position`,
      [subscription],
    )
  ).rows;

const casesOf = (answer: unknown) =>
  (answer as { cases: { stripe_subscription_external_id: string }[] }).cases.map(
    (one) => one.stripe_subscription_external_id,
  );

test('cases are listed newest first, by state, by what they wait for, those that are over apart, page by page', async () => {
  const [old, young, over] = [
    await unpaid({ state: 'suspended', opened: '9 days' }),
    await unpaid({ unreachable: true, opened: '8 days' }),
    await unpaid({ outcome: 'recovered' }),
  ];
  const of = async (...args: string[]) => casesOf((await dunning(['list', '--json', ...args])).json());
  const [table, all, suspended, unreachable, closed, page, rest] = await Promise.all([
    dunning(['list']),
    of(),
    of('--state', 'suspended'),
    of('--unreachable'),
    of('--closed'),
    of('--limit', '1'),
    of('--before', young.caseId),
  ]);
  const [head, first, second] = table.stdout.split('\n');
  expect(head).toMatch(/^SUBSCRIPTION +TENANT +STATE +STAGE +ACCESS +INVOICE +OPEN +PAUSED UNTIL +OPENED$/);
  expect(first).toMatch(new RegExp(`^${young.subscription} +Lovelace Ltd +retrying .* 49\\.00 USD `));
  expect(second).toContain(old.subscription);
  expect(all).toEqual([young.subscription, old.subscription]);
  expect(suspended).toEqual([old.subscription]);
  expect(unreachable).toEqual([young.subscription]);
  expect(closed).toEqual([over.subscription]);
  expect(page).toEqual([young.subscription]);
  expect(rest).toEqual([old.subscription]);
});

test('a case is shown with the calendar that its run tells', async () => {
  const { subscription, tenant, invoice, caseId } = await unpaid();
  const calendar: DunnedCase['calendar'] = [
    {
      stage: 'reminder',
      at: '2030-03-04T09:00:00.000Z',
      state: 'action_required',
      notice: 'reminder',
      effect: null,
      is_entered: false,
    },
  ];
  dunned.set(subscription, {
    case_id: caseId,
    tenant,
    customer: 'cus_1',
    policy_version: 'built-in-1',
    state: 'retrying',
    stage: null,
    access: 'active',
    invoice,
    paused_until: null,
    calendar,
  });
  await wakeDunning(client.workflow, { stripeSubscriptionId: subscription, taskQueue: TASK_QUEUE });
  await expect
    .poll(() => client.workflow.getHandle(`dunning-${subscription}`).query('progress'))
    .toMatchObject({ waiting: 'next_stage' });
  const [table, json] = await Promise.all([
    dunning(['show', subscription]),
    dunning(['show', subscription, '--json']),
  ]);
  expect(table.stdout).toMatch(/^reminder +2030-03-04T09:00:00\.000Z +action_required +reminder +- +false$/m);
  expect(table.stdout).toMatch(/^waiting +next_stage$/m);
  expect(json.json()).toMatchObject({
    stripe_subscription_external_id: subscription,
    anchor_invoice: invoice,
    amount_remaining: 4900,
    currency: 'usd',
    outcome: null,
    policy_version: 'built-in-1',
    waiting: 'next_stage',
    calendar_from: 'workflow',
    calendar,
    notices: [],
    record: [],
  });
});

test('while no run, no worker or no Temporal answers, a case is shown from the database, which is said', async () => {
  const [gone, unserved, away] = [await unpaid(), await unpaid(), await unpaid()];
  await wakeDunning(client.workflow, { stripeSubscriptionId: unserved.subscription, taskQueue: UNSERVED });
  const runs = await Promise.all([
    dunning(['show', gone.subscription, '--json']),
    dunning(['show', unserved.subscription, '--json']),
    dunning(['show', away.subscription, '--json'], { TEMPORAL_ADDRESS: NOBODY }),
  ]);
  for (const run of runs) {
    expect(run.code).toBe(0);
    expect(run.stderr).toContain('The calendar is made from the database alone');
    const shown = run.json() as { calendar_from: string; calendar: { stage: string; at: string }[] };
    expect(shown.calendar_from).toBe('database');
    expect(shown.calendar.slice(0, 2)).toMatchObject([
      { stage: 'payment-failed', at: '2026-03-01T12:00:00.000Z', is_entered: false },
      { stage: 'reminder', at: '2026-03-04T12:00:00.000Z', is_entered: false },
    ]);
  }
  expect(runs[0].stderr).toContain('run is not there');
  expect(runs[1].stderr).toContain('No answer within 5 s: is a worker running?');
  expect(runs[2].stderr).toContain(`Temporal does not answer at ${NOBODY}`);
});

test('a case that is over is shown with its outcome, and nothing comes any more', async () => {
  const { subscription } = await unpaid({ outcome: 'written_off' });
  const run = await dunning(['show', subscription, '--json'], { TEMPORAL_ADDRESS: NOBODY });
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(run.json()).toMatchObject({ outcome: 'written_off', calendar: [] });
});

type Order = {
  word: string;
  update: string;
  /** Its own options: the command's field with the value. */
  takes?: (invoice: string) => Record<string, string | number>;
  row?: CaseRow;
};
const ORDERS: Order[] = [
  { word: 'pause', update: 'pause', takes: () => ({ until: inDays(300) }) },
  { word: 'resume', update: 'resume', row: { isPaused: true } },
  { word: 'extend', update: 'extend', takes: () => ({ days: 7 }) },
  { word: 'skip-stage', update: 'skipStage', takes: () => ({ stage: 'reminder' }) },
  { word: 'retry-payment', update: 'retryPaymentNow' },
  { word: 'exclude-invoice', update: 'excludeInvoice', takes: (invoice) => ({ invoice }) },
  { word: 'write-off', update: 'writeOff' },
];
const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

test.each(ORDERS)(
  '$word is carried out by the case’s run, also when that was gone, and is on record with who and why',
  async (order) => {
    const { word, update, takes = () => ({}), row } = order;
    const { subscription, invoice, caseId } = await unpaid(row);
    const detail = takes(invoice);
    const options = Object.entries(detail).flatMap(([field, value]) => [`--${field}`, String(value)]);
    const run = await dunning([word, subscription, ...options, ...WHO, '--json']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.json()).toMatchObject({
      stripe_subscription_external_id: subscription,
      command: word,
      dry_run: false,
      case_id: caseId,
      invoice,
    });
    expect(await commands(subscription)).toEqual([
      {
        actor: 'grace',
        reason: 'they called',
        action: `dunning ${update}`,
        subject: subscription,
        detail: { command: update, ...detail },
      },
    ]);
  },
);

test('what the run refuses is refused with its sentence, and leaves nothing behind', async () => {
  const { subscription } = await unpaid();
  const runs = await Promise.all([
    dunning(['resume', subscription, ...WHO]),
    dunning(['exclude-invoice', subscription, '--invoice', 'in_other', ...WHO, '--json']),
    dunning(['skip-stage', subscription, '--stage', 'nowhere', ...WHO]),
    dunning(['pause', subscription, '--until', '2020-01-01', ...WHO]),
  ]);
  expect(runs.map((run) => run.stderr)).toEqual([
    'error: The case is neither paused nor waiting for an address\n',
    'error: in_other is not an unpaid invoice of this case\n',
    'error: There is no stage nowhere to come\n',
    'error: until is in the past\n',
  ]);
  for (const run of runs) expect(run).toMatchObject({ code: 1, stdout: '' });
  expect(await commands(subscription)).toEqual([]);
});

test('a dry run says whether it would be refused, changes nothing and needs no Temporal', async () => {
  const { subscription, caseId } = await unpaid();
  const without = { TEMPORAL_ADDRESS: NOBODY };
  const [fine, refused] = await Promise.all([
    dunning(['extend', subscription, '--days', '7', ...WHO, '--dry-run', '--json'], without),
    dunning(['resume', subscription, ...WHO, '--dry-run'], without),
  ]);
  expect(fine.json()).toMatchObject({ dry_run: true, case_id: caseId, command: 'extend' });
  expect(refused).toMatchObject({
    code: 1,
    stdout: '',
    stderr: 'error: The case is neither paused nor waiting for an address\n',
  });
  expect(await commands(subscription)).toEqual([]);
});

test('a command that is repeated with its update id is carried out once', async () => {
  const { subscription } = await unpaid();
  const extend = () => dunning(['extend', subscription, '--days', '7', ...WHO, '--update-id', 'ticket-7']);
  for (const run of [await extend(), await extend()]) {
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/^update_id +ticket-7$/m);
  }
  expect(await commands(subscription)).toHaveLength(1);
});

test('a charge that is declined was carried out: exit code 3, with the bank’s reason', async () => {
  const { subscription, invoice } = await unpaid();
  declined.add(invoice);
  const run = await dunning(['retry-payment', subscription, ...WHO, '--json']);
  expect(run.code).toBe(3);
  expect(run.json()).toMatchObject({ paid: false, decline_code: 'insufficient_funds' });
  expect(run.stderr).toContain('insufficient_funds');
});

test('without an answer a command is refused in time, and says how to repeat it', async () => {
  const [unserved, away] = [await unpaid(), await unpaid()];
  const pause = (subscription: string, env: Record<string, string>) =>
    dunning(['pause', subscription, '--until', 'P3D', ...WHO, '--update-id', 'ticket-8'], env);
  await wakeDunning(client.workflow, { stripeSubscriptionId: unserved.subscription, taskQueue: UNSERVED });
  const [noWorker, noTemporal] = await Promise.all([
    pause(unserved.subscription, { TASK_QUEUE: UNSERVED }),
    pause(away.subscription, { TEMPORAL_ADDRESS: NOBODY }),
  ]);
  expect(noWorker).toMatchObject({ code: 1, stdout: '' });
  expect(noWorker.stderr).toMatch(
    /^error: No answer within 15 s: is a worker running\?.*--update-id ticket-8.*\n$/,
  );
  expect(noTemporal).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `error: Temporal does not answer at ${NOBODY}\n`,
  });
});

test('a subscription without an open case is told so, with exit code 1', async () => {
  const { subscription } = await unpaid({ outcome: 'recovered' });
  const runs = await Promise.all([
    dunning(['resume', subscription, ...WHO]),
    dunning(['resume', 'sub_none', ...WHO]),
    dunning(['show', 'sub_none', '--json']),
  ]);
  expect(runs.map((run) => run.stderr)).toEqual([
    `error: The case of ${subscription} is over: recovered\n`,
    'error: sub_none never had a case\n',
    'error: sub_none never had a case\n',
  ]);
  for (const run of runs) expect(run).toMatchObject({ code: 1, stdout: '' });
});

test.each<[string, string[]]>([
  ['no reason', ['write-off', 'sub_1']],
  ['no days', ['extend', 'sub_1', ...WHO]],
  ['more days than may be', ['extend', 'sub_1', '--days', '366', ...WHO]],
  ['a time that is none', ['pause', 'sub_1', '--until', 'soon', ...WHO]],
  ['an id of something else', ['resume', 'cus_1', ...WHO]],
  ['an unknown state', ['list', '--state', 'sad']],
])('%s is wrong usage: exit code 2, with the usage and nothing on standard output', async (_, args) => {
  const run = await dunning(args);
  expect(run).toMatchObject({ code: 2, stdout: '' });
  expect(run.stderr).toContain(`Usage: tenantry dunning ${args[0]}`);
});
