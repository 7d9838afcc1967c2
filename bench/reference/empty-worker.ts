import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';

// A process of its own, like the product's worker. Arguments: the server's address, the task queue.
const [address, taskQueue] = process.argv.slice(2);
if (address === undefined || taskQueue === undefined)
  throw new Error('usage: empty-worker ADDRESS TASK_QUEUE');
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  connection,
  taskQueue,
  workflowsPath: fileURLToPath(new URL('./empty-workflow.ts', import.meta.url)),
  activities: { nothing: async () => undefined },
});
process.stdout.write('workers poll\n');
await worker.run();
await connection.close();
