import { Client, Connection } from '@temporalio/client';
import { createTenancyClient } from '../../client/index.ts';

const connection = await Connection.connect();
const tenancy = createTenancyClient({ client: new Client({ connection }) });
// Starts the creation, or joins the run that the same customer's purchase began.
const { workflowId } = await tenancy.createTenant({
  email: 'ada@example.com',
  client_name: 'Analytical Engines',
  stripe_customer_id: 'cus_QXg1o8vpGmoR32',
  stripe_subscription_id: 'sub_1PgafmB7WZ01zgkW6dKueIc5',
  initial_license_count: 10,
});
const tenant = await tenancy.tenantOf(workflowId);
const { steps } = await tenancy.progressOf(workflowId);
process.stdout.write(`${JSON.stringify({ workflowId, tenant, steps })}\n`);
await connection.close();
