import { proxyActivities } from '@temporalio/workflow';

const { somethingElse } = proxyActivities<{ somethingElse: () => Promise<void> }>({
  startToCloseTimeout: '1 s',
});

/** What a careless change would be: another first step than the released histories have. */
export async function createTenantWorkflow(): Promise<void> {
  await somethingElse();
}
