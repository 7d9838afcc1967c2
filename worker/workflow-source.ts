import { fileURLToPath } from 'node:url';
import type { BundleOptions, WorkerOptions } from '@temporalio/worker';

/** The workflow code that `npm run build` prepares, beside the built worker. */
export const BUNDLE_PATH = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));

/** Are we the built JavaScript, or the sources run by tsx? */
const isBuilt = import.meta.url.endsWith('.js');
const moduleAt = (path: string) =>
  fileURLToPath(new URL(`${path}.${isBuilt ? 'js' : 'ts'}`, import.meta.url));

/** What workflow code is bundled of. */
export const WORKFLOW_BUNDLE: Required<Pick<BundleOptions, 'workflowsPath' | 'preloadModules'>> = {
  workflowsPath: moduleAt('../workflows/index'),
  preloadModules: [moduleAt('./preloaded-modules')],
};

/** A built worker loads the prepared bundle; from the sources it is bundled at the start. */
export const WORKFLOW_SOURCE: Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath' | 'bundlerOptions'> =
  isBuilt
    ? { workflowBundle: { codePath: BUNDLE_PATH } }
    : {
        workflowsPath: WORKFLOW_BUNDLE.workflowsPath,
        bundlerOptions: { preloadModules: WORKFLOW_BUNDLE.preloadModules },
      };
