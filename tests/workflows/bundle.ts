import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { TestProject } from 'vitest/node';
import { WORKFLOW_BUNDLE } from '../../worker/workflow-source.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    workflowBundlePath: string;
  }
}

/** Bundling takes seconds of both cores, so the workflow code is bundled once for all files. */
export default async function bundle(project: TestProject): Promise<() => Promise<void>> {
  const { code } = await bundleWorkflowCode({ ...WORKFLOW_BUNDLE, logger: new DefaultLogger('ERROR') });
  const folder = await mkdtemp(join(tmpdir(), 'tenantry-bundle-'));
  const path = join(folder, 'workflow-bundle.js');
  await writeFile(path, code);
  project.provide('workflowBundlePath', path);
  return () => rm(folder, { recursive: true, force: true });
}
