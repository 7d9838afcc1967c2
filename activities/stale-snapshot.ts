import { Failure } from '../domain/failures.ts';

/** How often one attempt fetches again because another writer was faster; then Temporal's back-off takes over. */
const STALE_SNAPSHOTS_MAX = 3;

/** Runs a read-decide-write again when its write found that another writer was faster. */
export async function retryStale<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const isStale = error instanceof Failure && error.name === 'StaleSnapshot';
      if (!isStale || tries === STALE_SNAPSHOTS_MAX) throw error;
    }
  }
}
