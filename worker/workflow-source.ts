import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';

/** The workflow code that `npm run build` prepares, beside the built worker. */
export const BUNDLE_PATH = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));

/** Are we the built JavaScript, or the sources run by tsx? */
const isBuilt = import.meta.url.endsWith('.js');

/** A built worker loads the prepared bundle; from the sources it is bundled at the start. */
export const WORKFLOW_SOURCE: Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> = isBuilt
  ? { workflowBundle: { codePath: BUNDLE_PATH } }
  : { workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)) };
