import fc from 'fast-check';
import type { Model, Move } from './model.ts';

/** Longest history. */
const MOVES_MAX = 150;
/** One move in so many comes from outside. */
const TROUBLE_EVERY = 3;
/** After the last trouble everything must come to rest within so many moves. */
const CALM_MOVES_MAX = 2_000;
/** How often the sweep comes by before everything must be settled. */
const SWEEPS = 3;

/** A history: each number picks one of the moves that are possible then. */
export const histories = fc.noBias(fc.array(fc.nat(), { minLength: 10, maxLength: MOVES_MAX, size: 'max' }));

/** `SEED=… npm test` replays a run: fast-check prints the seed of one that fails. */
export function seeded(count: number): { numRuns: number; seed?: number } {
  const { SEED } = process.env;
  return { numRuns: count, ...(SEED !== undefined && { seed: Number(SEED) }) };
}

/** What else follows each move, such as the same in a real system. */
type Follower = (move: Move) => Promise<void> | void;

/** Plays a history on a model, then lets it come to rest. */
export function play(model: Model, choices: readonly number[]): void {
  for (const [move, choice] of chosen(model, choices)) model.apply(move, choice);
  rest(model);
}

/** The same with somebody who follows; rests only as far as the model is concerned. */
export async function playFollowed(
  model: Model,
  choices: readonly number[],
  follow: Follower,
): Promise<void> {
  for (const [move, choice] of chosen(model, choices)) {
    model.apply(move, choice);
    await follow(move);
  }
}

function* chosen(model: Model, choices: readonly number[]): Generator<[Move, number]> {
  for (const choice of choices) {
    const progress = model.progress();
    const isTrouble = progress.length === 0 || choice % TROUBLE_EVERY === 0;
    const moves = isTrouble ? model.trouble() : progress;
    const rest = Math.floor(choice / TROUBLE_EVERY);
    const move = moves[rest % moves.length];
    if (move) yield [move, Math.floor(rest / moves.length)];
  }
}

/** Everything runs to its end, and the sweep comes by. */
function rest(model: Model): void {
  settle(model);
  for (let sweep = 0; sweep < SWEEPS && model.guarantees.sweep; sweep += 1) {
    model.sweep();
    settle(model);
  }
}

function settle(model: Model): void {
  for (let count = 0; count < CALM_MOVES_MAX; count += 1) {
    const [move] = model.progress();
    if (!move) return;
    model.apply(move);
  }
  model.violations.push(`no rest after ${CALM_MOVES_MAX} moves`);
}
