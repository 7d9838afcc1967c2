import { parseArgs } from 'node:util';
import { DateTime, IANAZone } from 'luxon';
import { z } from 'zod';
import { datesOf } from '../activities/dunning-calendar.ts';
import { readDunningPolicyFile } from '../activities/dunning-policy-file.ts';
import { formatMoney } from '../activities/mail-formats.ts';
import { DECLINE_GROUPS } from '../domain/decline-codes.ts';
import { type CaseFile, type PlannedStage, plannedStages } from '../domain/dunning.ts';
import { announcingIndex, type DunningPolicy, stagesFor } from '../domain/dunning-policy.ts';
import { COLLECTION_METHODS, type UnpaidInvoice } from '../domain/invoice.ts';

const USAGE = `Usage: npm run dunning:preview -- [--policy FILE] [--time-zone ZONE] [--anchor ISO]
         [--amount MINOR_UNITS] [--currency usd] [--decline ${DECLINE_GROUPS.join('|')}]
         [--collection ${COLLECTION_METHODS.join('|')}] [--plan NAME]
`;

const EXIT_REFUSED = 1;
const EXIT_WRONG_USAGE = 2;

const LOCALE = 'en';
const HEADINGS = ['stage', 'when', 'after', 'state', 'notice', 'effect', 'announced by'];

/** Nothing was done yet. */
const NEW_CASE: CaseFile = {
  anchor: null,
  access: 'active',
  steps: [],
  pausedUntil: null,
  excludedInvoices: [],
  isWriteOffRequested: false,
};

const flagsSchema = z
  .object({
    policy: z.string().optional(),
    'time-zone': z
      .string()
      .refine((zone) => IANAZone.isValidZone(zone), 'must be a time zone such as Europe/Berlin')
      .optional(),
    anchor: z
      .string()
      .refine((text) => DateTime.fromISO(text).isValid, 'must be a time such as 2026-11-02T09:00')
      .optional(),
    amount: z.coerce.number().int().min(1).default(4_900),
    currency: z
      .string()
      .regex(/^[a-z]{3}$/, 'must be a currency such as usd')
      .default('usd'),
    decline: z.enum(DECLINE_GROUPS).optional(),
    collection: z.enum(COLLECTION_METHODS).default('charge_automatically'),
    plan: z.string().min(1).optional(),
  })
  .refine(({ collection, decline }) => collection !== 'send_invoice' || decline === undefined, {
    path: ['decline'],
    message: 'is nothing that happens to an invoice that is sent',
  });
type Flags = z.output<typeof flagsSchema>;

const flags = readFlags();
if (flags !== undefined) preview(flags);

/** @returns undefined for wrong usage, which has been told */
function readFlags(): Flags | undefined {
  const faults: string[] = [];
  try {
    const text = { type: 'string' } as const;
    const options = Object.fromEntries(Object.keys(flagsSchema.shape).map((flag) => [flag, text]));
    const parsed = flagsSchema.safeParse(parseArgs({ options }).values);
    if (parsed.success) return parsed.data;
    faults.push(...parsed.error.issues.map(({ path, message }) => `--${path.join()}: ${message}`));
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error));
  }
  process.stderr.write(`${faults.join('\n')}\n${USAGE}`);
  process.exitCode = EXIT_WRONG_USAGE;
  return undefined;
}

function preview(given: Flags): void {
  try {
    const { policy } = readDunningPolicyFile(given.policy);
    process.stdout.write(`${describe(policy, given)}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = EXIT_REFUSED;
  }
}

/** The calendar of an example invoice, if nobody pays and nobody intervenes. */
function describe(policy: DunningPolicy, given: Flags): string {
  const zone = given['time-zone'] ?? policy.time_zone;
  const anchor =
    given.anchor === undefined
      ? DateTime.now().setZone(zone).startOf('minute')
      : DateTime.fromISO(given.anchor, { zone });
  const invoice = exampleInvoice(given, anchor.toJSDate());
  const stages = stagesFor(policy, { ...invoice, plan: given.plan ?? null });
  const calendar = datesOf({
    stages,
    anchor: invoice.unpaidSince,
    extendedDays: 0,
    timeZone: zone,
    quietTimes: policy,
  });
  const planned = plannedStages({
    file: NEW_CASE,
    isSubscriptionLive: true,
    unpaid: [invoice],
    lastAnchorStatus: null,
    calendar,
    now: invoice.unpaidSince,
  });
  const variant = policy.variants.find((each) => each.stages === stages);
  return [
    `Policy ${policy.version}, ${variant ? `variant ${variant.name}` : 'its own stages, no variant'}`,
    `${invoiceLine(invoice)} since ${whenOf(invoice.unpaidSince, zone)}, ${zone}`,
    ...quietLines(policy),
    '',
    table([HEADINGS, ...rowsOf({ planned, anchor: invoice.unpaidSince, zone })]),
  ].join('\n');
}

/** Most declines pass by themselves, so that is what one is without being told. */
function exampleInvoice(given: Flags, unpaidSince: Date): UnpaidInvoice {
  const isSent = given.collection === 'send_invoice';
  return {
    id: 'in_example',
    number: null,
    unpaidSince,
    createdAt: unpaidSince,
    collectionMethod: given.collection,
    currency: given.currency,
    amountRemainingMinor: given.amount,
    decline: isSent ? null : (given.decline ?? 'try_later'),
    declineCode: null,
    isProcessing: false,
    nextPaymentAttempt: null,
    hostedInvoiceUrl: null,
  };
}

function invoiceLine({ amountRemainingMinor: minor, currency, decline }: UnpaidInvoice): string {
  const amount = formatMoney({ minor, currency }, LOCALE);
  return `An invoice of ${amount}, ${decline === null ? 'sent and due' : `charged and declined (${decline})`}`;
}

function quietLines({ quiet_hours: hours, weekdays }: DunningPolicy): string[] {
  return [
    ...(hours ? [`Nothing is told or done from ${hours.from} to ${hours.to}`] : []),
    ...(weekdays ? [`Something is told or done only on ${weekdays.join(', ')}`] : []),
  ];
}

type Shown = { planned: readonly PlannedStage[]; anchor: Date; zone: string };

function rowsOf({ planned, anchor, zone }: Shown): string[][] {
  return planned.map((stage, index) => [
    stage.stage,
    whenOf(stage.at, zone),
    spanOf(anchor, stage.at, zone) || 'at once',
    stage.state,
    stage.notice ?? '',
    stage.effect ?? '',
    stage.effect === null ? '' : announcementOf({ planned, anchor, zone }, index),
  ]);
}

/** Which notice tells of a stage's effect, and how long before. */
function announcementOf({ planned, zone }: Shown, index: number): string {
  const notices = planned.map(({ notice }) => ({ notice: notice ?? undefined }));
  const place = announcingIndex(notices, index);
  const [stage, announcing] = [planned[index], place === undefined ? undefined : planned[place]];
  if (stage === undefined || announcing === undefined) return '';
  return `${announcing.stage}, ${spanOf(announcing.at, stage.at, zone)} before`;
}

function whenOf(at: Date, zone: string): string {
  const local = localTime(at, zone);
  return local.toFormat(local.second === 0 ? 'ccc yyyy-LL-dd HH:mm' : 'ccc yyyy-LL-dd HH:mm:ss');
}

/** In days of the calendar; empty when there is none. */
function spanOf(from: Date, to: Date, zone: string): string {
  const span = localTime(to, zone).diff(localTime(from, zone), ['days', 'hours', 'minutes', 'seconds']);
  return span.toHuman({ showZeros: false });
}

function localTime(at: Date, zone: string): DateTime {
  return DateTime.fromJSDate(at, { zone }).setLocale(LOCALE);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
