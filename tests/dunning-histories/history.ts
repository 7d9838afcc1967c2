import fc from 'fast-check';
import type { DunningCommandName } from '../../domain/dunning-command.ts';
import { PLANS, policyOf, policySources, TIME_ZONES } from './policies.ts';
import { type Deciders, type Guarantees, World } from './world.ts';

const CHOICES_MAX = 45;
/** One move in so many comes from outside. */
const TROUBLE_EVERY = 3;
const INVOICES_MAX = 5;
/** After the last trouble every case must be over within so many moves. */
const CALM_MOVES_MAX = 600;

const SECOND_MS = 1_000;
const HOUR_MS = 60 * 60 * SECOND_MS;
const DAY_MS = 24 * HOUR_MS;
/** From a blink to a worker that is down for weeks, and further. */
const JUMPS_MS = [
  SECOND_MS,
  40 * SECOND_MS,
  HOUR_MS,
  9 * HOUR_MS,
  DAY_MS,
  3 * DAY_MS,
  7 * DAY_MS,
  15 * DAY_MS,
  64 * DAY_MS,
];
/** For how long an invoice that comes up has been unpaid already. */
const AGES_MS = [0, 0, 0, 0, 2 * HOUR_MS, 4 * DAY_MS, 17 * DAY_MS, 100 * DAY_MS];
const DECLINES = ['insufficient_funds', 'expired_card', 'authentication_required', 'lost_card', null];
const AMOUNTS_MINOR = [2_900, 450, 399, 120_000];

/** A history: under what it happens, and numbers of which each picks one of the moves that are possible then. */
export const histories = fc.record({
  policy: policySources,
  timeZone: fc.constantFrom(...TIME_ZONES),
  plan: fc.constantFrom(null, ...PLANS),
  choices: fc.noBias(fc.array(fc.nat(), { minLength: 10, maxLength: CHOICES_MAX, size: 'max' })),
});
export type History = typeof histories extends fc.Arbitrary<infer H> ? H : never;

/** Plays a history and lets it come to its end. @returns the world as it is then, with what its witness saw */
export function play(
  { policy, timeZone, plan, choices }: History,
  worse: { deciders?: Deciders; guarantees?: Guarantees } = {},
): World {
  const setting = { policy: policyOf(policy), timeZone, plan };
  const world = new World(setting, worse.deciders, worse.guarantees);
  fails(world, choices[0] ?? 0);
  world.sync();
  for (const choice of choices) {
    const rest = Math.floor(choice / TROUBLE_EVERY);
    if (choice % TROUBLE_EVERY === 0 || world.dunned === null) trouble(world, rest);
    else progress(world);
    if (world.witness.violations.length > 0) return world;
  }
  calm(world);
  return world;
}

/** What goes on by itself. */
function progress(world: World): void {
  if (world.task !== null) world.act();
  else if (world.waiting === null) world.look();
  else sleep(world);
}

function sleep(world: World): void {
  world.passes(world.sleepMs());
  world.waiting = null;
}

/** Nothing comes from outside any more, but for money that was on its way and an operator who finds an address. */
function calm(world: World): void {
  world.mailbox = 'takes';
  for (const invoice of world.invoices) invoice.isProcessing = false;
  world.waiting = null;
  world.sync();
  for (let moves = 0; moves < CALM_MOVES_MAX && world.dunned !== null; moves += 1) {
    if (world.dunned.isUnreachable) order(world, 'resume', {});
    progress(world);
    world.sync();
    if (world.witness.violations.length > 0) return;
  }
  if (world.dunned !== null) world.witness.blames('ends', JSON.stringify(world.dunned.file));
}

type Trouble = (world: World, choice: number) => void;

/** What comes from outside. Those that stand there often happen often. */
const TROUBLES: readonly Trouble[] = [
  jump,
  jump,
  jump,
  crash,
  crash,
  fails,
  fails,
  onInvoice((world, { id }) => world.settle(id, 'paid')),
  onInvoice((world, { id }) => world.settle(id, 'paid')),
  onInvoice((world, { id }, choice) => world.settle(id, choice % 2 === 0 ? 'void' : 'uncollectible')),
  onInvoice((_, invoice) => {
    invoice.isProcessing = invoice.status === 'open' && !invoice.isProcessing;
  }),
  declines,
  declines,
  onInvoice((_, invoice, choice) => {
    invoice.amountMinor = pick([...AMOUNTS_MINOR, 0], choice);
  }),
  mailbox,
  mailbox,
  subscriptionEnds,
  operator,
  operator,
  operator,
];

function trouble(world: World, choice: number): void {
  const rest = Math.floor(choice / TROUBLES.length);
  pick(TROUBLES, choice)(world, rest);
  world.witness.happens();
  world.sync();
  // Most of it wakes the run; a wake may get lost.
  if (rest % 4 !== 0) world.waiting = null;
}

function declines(world: World, choice: number): void {
  const change = onInvoice((_, invoice, rest) => {
    invoice.declineCode = pick(DECLINES, rest);
  });
  change(world, choice);
}

function mailbox(world: World, choice: number): void {
  world.mailbox = pick(['takes', 'away', 'bounces', 'takes', 'away'], choice);
}

function subscriptionEnds(world: World, choice: number): void {
  if (choice % 5 === 0) world.isSubscriptionLive = false;
}

function jump(world: World, choice: number): void {
  world.passes(pick(JUMPS_MS, choice));
}

/** The run dies: before its decision is on record, or after it with what was to be done. */
function crash(world: World, choice: number): void {
  if (choice % 2 === 0) world.look(true);
  else world.task = null;
  world.waiting = null;
}

function fails(world: World, choice: number): void {
  if (world.invoices.length >= INVOICES_MAX) return;
  const since = new Date(world.now.getTime() - pick(AGES_MS, choice));
  world.invoices.push({
    id: `in_${world.invoices.length}`,
    status: 'open',
    unpaidSince: since,
    collectionMethod: choice % 7 === 0 ? 'send_invoice' : 'charge_automatically',
    currency: choice % 3 === 0 ? 'eur' : 'usd',
    amountMinor: pick(AMOUNTS_MINOR, choice),
    declineCode: pick(DECLINES, Math.floor(choice / AGES_MS.length)),
    isProcessing: choice % 11 === 0,
  });
}

function onInvoice(
  change: (world: World, invoice: World['invoices'][number], choice: number) => void,
): Trouble {
  return (world, choice) => {
    if (world.invoices.length === 0) return;
    change(world, pick(world.invoices, choice), Math.floor(choice / world.invoices.length));
  };
}

/** What operators send, sense and nonsense. */
const ORDERS: readonly [DunningCommandName, (world: World, choice: number) => Record<string, unknown>][] = [
  [
    'pause',
    (world, choice) => ({ until: new Date(world.now.getTime() + pick(PAUSES_MS, choice)).toISOString() }),
  ],
  ['pause', () => ({ until: 'tomorrow' })],
  ['resume', () => ({})],
  ['resume', () => ({})],
  ['extend', (_, choice) => ({ days: pick([1, 5, 40, 365, -3], choice) })],
  ['skipStage', () => ({})],
  ['skipStage', () => ({})],
  ['skipStage', (world, choice) => ({ stage: pick(stagesOf(world), choice) })],
  ['skipStage', (world, choice) => ({ stage: pick(stagesOf(world), choice) })],
  ['retryPaymentNow', () => ({})],
  ['excludeInvoice', (world, choice) => ({ invoice: `in_${choice % (world.invoices.length + 1)}` })],
  ['writeOff', () => ({})],
  ['writeOff', () => ({ actor: '' })],
];
const PAUSES_MS = [-HOUR_MS, HOUR_MS, 2 * DAY_MS, 20 * DAY_MS, 100 * DAY_MS, 500 * DAY_MS];

function operator(world: World, choice: number): void {
  const [name, value] = pick(ORDERS, choice);
  order(world, name, value(world, Math.floor(choice / ORDERS.length)));
}

function order(world: World, name: DunningCommandName, value: Record<string, unknown>): void {
  world.command(name, { actor: 'grace', reason: 'a call', ...value });
}

function stagesOf(world: World): string[] {
  const { policy } = world.setting;
  return [policy, ...policy.variants].flatMap(({ stages }) => stages.map(({ name }) => name));
}

function pick<T>(from: readonly T[], choice: number): T {
  const picked = from[choice % from.length];
  if (picked === undefined && from.length === 0) throw new Error('there is nothing to pick from');
  return picked as T;
}
