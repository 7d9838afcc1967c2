import { parseArgs } from 'node:util';
import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';

// Starts a tenant's creation with nothing of tenantry but names. Where Temporal is comes from TEMPORAL_ADDRESS and the
// like. Prints one line of JSON: { "workflow_id": "…", "tenant": "…" }.
const { values } = parseArgs({
  options: {
    customer: { type: 'string' },
    subscription: { type: 'string' },
    email: { type: 'string' },
    name: { type: 'string' },
    licenses: { type: 'string' },
    'task-queue': { type: 'string', default: 'alga-psa-workflows' },
  },
});
const { customer, subscription, email, name, licenses, 'task-queue': taskQueue } = values;
if (!customer || !subscription || !email || !name || !licenses) {
  throw new Error('needed: --customer cus_… --subscription sub_… --email … --name … --licenses 10');
}

const { connectionOptions, namespace } = loadClientConnectConfig();
const connection = await Connection.connect(connectionOptions);
try {
  const client = new Client({ connection, ...(namespace !== undefined && { namespace }) });
  // The id makes the start idempotent: Stripe's webhook and a second try of the store meet in the same run.
  const workflowId = `create-tenant-${customer}`;
  const input = {
    email,
    client_name: name,
    stripe_customer_id: customer,
    stripe_subscription_id: subscription,
    initial_license_count: Number(licenses),
  };
  const handle = await startOrJoin(client, { workflowId, input });
  process.stdout.write(`${JSON.stringify({ workflow_id: workflowId, tenant: await tenantOf(handle) })}\n`);
} finally {
  await connection.close();
}

async function startOrJoin(
  client: Client,
  { workflowId, input }: { workflowId: string; input: object },
): Promise<WorkflowHandle> {
  try {
    return await client.workflow.start('createTenantWorkflow', {
      workflowId,
      taskQueue,
      args: [input],
      // One line for the Temporal UI; no name and no e-mail address.
      staticSummary: `Tenant of ${customer}`,
      // A completed run is not run again; one that failed left nothing behind and may be.
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return client.workflow.getHandle(workflowId);
  }
}

/** The update answers as soon as the tenant's row exists; a run that is over has its result. */
async function tenantOf(handle: WorkflowHandle): Promise<string> {
  try {
    return await handle.executeUpdate<string, []>('tenant');
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    const result: { tenant: string } = await handle.result();
    return result.tenant;
  }
}
