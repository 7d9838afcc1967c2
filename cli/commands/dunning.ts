import { Argument, type Command, Option } from 'commander';
import { z } from 'zod';
import type { DunningProgress } from '../../client/contract.ts';
import { dunningProgress } from '../../client/dunning-run.ts';
import { TemporalUnavailable } from '../../client/temporal-unavailable.ts';
import { lastCaseOf, listCases, noticesOf, recordOf } from '../../db/dunning-list.ts';
import { minorDigits } from '../../domain/currency.ts';
import { plannedStages } from '../../domain/dunning.ts';
import { DUNNING_STATES, type DunningState } from '../../domain/dunning-policy.ts';
import { stripeSubscriptionIdSchema } from '../../domain/ids.ts';
import type { Cli } from '../cli.ts';
import { EXIT_CODES, type ExitCode, Refused } from '../exit-codes.ts';
import { LIMIT_OPTION, pageOf, tellNext } from '../list-page.ts';
import { by } from '../option-values.ts';
import { fields, type Output, table } from '../output.ts';
import { caseByRows } from './dunning-case.ts';
import { addDunningOrders } from './dunning-orders.ts';

/** Mails and entries of the record that are shown, the newest. */
const SHOWN_MAX = 20;

/** `tenantry dunning …`: unpaid subscriptions. */
export function addDunning(program: Command, cli: Cli): void {
  const dunning = program.command('dunning').description('See and steer what follows unpaid invoices.');
  dunning
    .command('list')
    .description('List the open cases, the newest first.')
    .addOption(new Option('--state <state>', 'only cases in this state').choices(DUNNING_STATES))
    .option('--unreachable', 'only cases whose notices reach nobody')
    .option('--closed', 'cases that are over, in place of open ones')
    .option(...LIMIT_OPTION)
    .option('--before <case>', 'go on with what is older than this case, by its uuid', by(z.uuid()))
    .addHelpText('after', '\nExample:\n  tenantry dunning list --unreachable\n')
    .action(cli.action((output, options: ListOptions) => list(cli, output, options)));
  dunning
    .command('show')
    .description('Show a subscription’s case: how it stands, what comes when, what was told and decided.')
    .addArgument(new Argument('<sub_…>', 'the subscription').argParser(by(stripeSubscriptionIdSchema)))
    .addHelpText('after', '\nExample:\n  tenantry dunning show sub_1PgafmB7WZ01zgkW6dKueIc5\n')
    .action(cli.action((output, subscription: string) => show(cli, output, subscription)));
  addDunningOrders(dunning, cli);
}

type ListOptions = {
  state?: DunningState;
  unreachable?: true;
  closed?: true;
  limit: number;
  before?: string;
};

async function list(cli: Cli, output: Output, options: ListOptions): Promise<ExitCode> {
  const { limit, before, state, closed: isClosed, unreachable: isUnreachable } = options;
  const filter = { state, isClosed, isUnreachable };
  const found = await listCases(cli.database(), { filter, limit: limit + 1, before });
  const { page: cases, next } = pageOf(found, limit, (row) => row.dunning_case_id);
  output.answer({ cases, next_before: next }, () =>
    table(
      ['SUBSCRIPTION', 'TENANT', 'STATE', 'STAGE', 'ACCESS', 'INVOICE', 'OPEN', 'PAUSED UNTIL', 'OPENED'],
      cases.map((one) => [
        one.stripe_subscription_external_id,
        one.client_name,
        one.outcome ?? one.state,
        one.stage,
        one.access,
        one.anchor_invoice,
        amount(one),
        one.paused_until,
        one.opened_at,
      ]),
      'No case is like that.',
    ),
  );
  tellNext(output, next);
  return EXIT_CODES.done;
}

/** As people write it: `100.00 USD`. */
function amount(of: { amount_remaining: number | null; currency: string | null }): string | null {
  const { amount_remaining: minor, currency } = of;
  if (minor === null || currency === null) return null;
  const digits = minorDigits(currency);
  const text = String(minor).padStart(digits + 1, '0');
  const [whole, rest] = [text.slice(0, text.length - digits), text.slice(text.length - digits)];
  return `${whole}${rest && `.${rest}`} ${currency.toUpperCase()}`;
}

type Shown = Awaited<ReturnType<typeof lookAt>>;

async function show(cli: Cli, output: Output, subscription: string): Promise<ExitCode> {
  output.answer(await lookAt(cli, output, subscription), print);
  return EXIT_CODES.done;
}

async function lookAt(cli: Cli, output: Output, subscription: string) {
  const database = cli.database();
  const row = await lastCaseOf(database, subscription);
  if (row === null) throw new Refused(`${subscription} never had a case`);
  const id = { tenant: row.tenant, caseId: row.dunning_case_id };
  const byRows = await caseByRows(database, id, new Date());
  const progress = row.outcome === null ? await askRun(cli, output, subscription) : null;
  if (progress === null && row.outcome === null)
    output.note('The calendar is made from the database alone: in UTC, and without quiet hours.');
  const calendar: DunningProgress['calendar'] =
    progress?.calendar ??
    plannedStages(byRows.situation).map(({ isEntered, at, ...stage }) => ({
      ...stage,
      at: at.toISOString(),
      is_entered: isEntered,
    }));
  return {
    ...row,
    policy_version: byRows.policyVersion,
    waiting: progress?.waiting ?? null,
    calendar_from: progress === null ? ('database' as const) : ('workflow' as const),
    calendar: row.outcome === null ? calendar : [],
    notices: await noticesOf(database, id, SHOWN_MAX),
    record: await recordOf(database, id, SHOWN_MAX),
  };
}

/** The run knows the tenant's time zone and what it waits for; without an answer the rows have to do. */
async function askRun(cli: Cli, output: Output, subscription: string): Promise<DunningProgress | null> {
  try {
    const progress = await dunningProgress(await cli.temporal(), subscription);
    if (progress === null) output.note('The case’s run is not there: the sweep starts it again.');
    return progress;
  } catch (error) {
    if (!(error instanceof TemporalUnavailable)) throw error;
    output.note(error.message);
    return null;
  }
}

function print(shown: Shown): string {
  const { calendar, calendar_from: from, notices, record, currency, ...facts } = shown;
  return [
    fields({ ...facts, amount_remaining: amount({ ...facts, currency }) }),
    from === 'workflow' ? 'Calendar' : 'Calendar, from the database alone',
    table(
      ['STAGE', 'AT', 'STATE', 'NOTICE', 'EFFECT', 'ENTERED'],
      calendar.map((one) => [one.stage, one.at, one.state, one.notice, one.effect, one.is_entered]),
      'Nothing comes any more.',
    ),
    'Notices',
    table(
      ['KIND', 'TO', 'STATUS', 'ATTEMPTS', 'LAST ERROR', 'QUEUED', 'SENT'],
      notices.map((one) => [
        one.kind,
        one.recipient,
        one.status,
        one.attempts,
        one.last_error,
        one.created_at,
        one.sent_at,
      ]),
      'Nothing was told.',
    ),
    'Record',
    table(
      ['AT', 'WHAT', 'STAGE', 'STATE', 'ACCESS', 'INVOICE', 'BY', 'REASON'],
      record.map((one) => [
        one.occurred_at,
        one.kind === 'command' ? String(one.detail.command) : one.kind,
        one.stage,
        one.state,
        one.access,
        one.invoice,
        one.actor,
        one.reason,
      ]),
      'Nothing happened.',
    ),
  ].join('\n\n');
}
