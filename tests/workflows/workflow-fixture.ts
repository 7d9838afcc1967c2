import { Client } from '@temporalio/client';
import { afterAll, inject } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../../client/contract.ts';
import { timeSkippingEnvironment } from '../../sandbox/temporal/time-skipping-environment.ts';
import { startWorkflows, type Workflows } from './start-workflows.ts';

/**
 * A test server and workers with fake activities for one test file; all of it ends after the file.
 *
 * @param options.clock `skips`: while a result is awaited the clock jumps from timer to timer, and past the end of the
 * run by 10 years, so nothing else may be under way then; `ticks`: an ordinary clock
 */
export async function useWorkflows({ clock }: { clock: 'skips' | 'ticks' }): Promise<Workflows> {
  const environment = await timeSkippingEnvironment({
    searchAttributes: Object.values(SEARCH_ATTRIBUTES),
    log: () => undefined,
  });
  const client = clock === 'skips' ? environment.client : new Client({ connection: environment.connection });
  const { stop, ...workflows } = await startWorkflows({
    environment,
    client,
    bundle: { codePath: inject('workflowBundlePath') },
  });
  afterAll(async () => {
    await stop();
    await environment.teardown();
  });
  return workflows;
}
