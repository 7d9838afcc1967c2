import { NotLookedAt } from './run-checks.ts';

/**
 * What several checks build upon: asked for once, by whoever comes first. The check of it itself reports why it isn't there;
 * the others only say that they could not look.
 */
export type Prerequisite<T> = {
  /** @throws what went wrong, for its own check */
  examined: () => Promise<T>;
  /** @throws NotLookedAt */
  needed: () => Promise<T>;
};

/** @param missing says what is not there, such as «Postgres doesn’t answer» */
export function prerequisite<T>(missing: string, obtain: () => Promise<T>): Prerequisite<T> {
  let obtained: Promise<T> | undefined;
  const examined = () => {
    obtained ??= obtain();
    return obtained;
  };
  return {
    examined,
    needed: async () => {
      try {
        return await examined();
      } catch (error) {
        throw error instanceof NotLookedAt ? error : new NotLookedAt(missing);
      }
    },
  };
}
