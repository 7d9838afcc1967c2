import { proxyActivities } from '@temporalio/workflow';

const { nothing } = proxyActivities<{ nothing: () => Promise<void> }>({ startToCloseTimeout: '45 s' });

/** The reference: as many activities as a tenant's creation has, one after the other, each of which does nothing. */
export async function emptyWorkflow(activities: number): Promise<void> {
  for (let done = 0; done < activities; done += 1) await nothing();
}
