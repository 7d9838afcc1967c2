import { cp, writeFile } from 'node:fs/promises';
import { bundleWorkflowCode } from '@temporalio/worker';
import { BUNDLE_PATH, WORKFLOW_BUNDLE } from './workflow-source.ts';

// The last step of `npm run build`, run from dist/: what tsc doesn't carry over.
const { code } = await bundleWorkflowCode(WORKFLOW_BUNDLE);
await writeFile(BUNDLE_PATH, code);
for (const folder of ['db/migrations', 'activities/mail-templates']) {
  const [source, copy] = [
    new URL(`../../${folder}`, import.meta.url),
    new URL(`../${folder}`, import.meta.url),
  ];
  await cp(source, copy, { recursive: true });
}
