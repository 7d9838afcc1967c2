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
export function seeded(count: number): { numRuns: number; endOnFailure: true; seed?: number } {
  const { SEED } = process.env;
  return { numRuns: count, endOnFailure: true, ...(SEED !== undefined && { seed: Number(SEED) }) };
}

type Follower = (move: Move) => Promise<void>;

/** Plays a history on a model, then lets it come to rest. */
export function play(model: Model, choices: readonly number[]): void {
  for (const [move, choice] of moves(model, choices)) model.apply(move, choice);
}

/** The same with somebody who does each move in another system too, right after the model. */
export async function playFollowed(
  model: Model,
  choices: readonly number[],
  follow: Follower,
): Promise<void> {
  for (const [move, choice] of moves(model, choices)) {
    model.apply(move, choice);
    await follow(move);
  }
}

/** The chosen moves, then everything runs to its end, and the sweep comes by. */
function* moves(model: Model, choices: readonly number[]): Generator<[Move, number]> {
  yield* chosen(model, choices);
  yield* calmMoves(model);
  for (let sweep = 0; sweep < SWEEPS && model.guarantees.sweep; sweep += 1) {
    yield [{ kind: 'sweep' }, 0];
    yield* calmMoves(model);
  }
}

function* chosen(model: Model, choices: readonly number[]): Generator<[Move, number]> {
  for (const choice of choices) {
    const progress = model.progress();
    const isTrouble = progress.length === 0 || choice % TROUBLE_EVERY === 0;
    const possible = isTrouble ? model.trouble() : progress;
    const rest = Math.floor(choice / TROUBLE_EVERY);
    const move = possible[rest % possible.length];
    if (move) yield [move, Math.floor(rest / possible.length)];
  }
}

function* calmMoves(model: Model): Generator<[Move, number]> {
  for (let count = 0; count < CALM_MOVES_MAX; count += 1) {
    const [move] = model.progress();
    if (!move) return;
    yield [move, 0];
  }
  model.violations.push(`no rest after ${CALM_MOVES_MAX} moves`);
}
