import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { afterAll } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../client/contract.ts';
import { startTemporal, type TemporalOptions } from '../sandbox/temporal/start-temporal.ts';

export type TestTemporal = Awaited<ReturnType<typeof useTemporal>>;

/** A Temporal server for one test file, stopped after it; `env` are the variables by which a process finds it. */
export async function useTemporal(options: Pick<TemporalOptions, 'searchAttributes'> = {}) {
  const temporal = await startTemporal({ ...options, log: () => undefined });
  const { address, namespace } = temporal;
  const connection = await Connection.connect({ address });
  afterAll(async () => {
    await connection.close();
    await temporal.close();
  });
  return {
    address,
    namespace,
    connection,
    client: new Client({ connection, namespace }),
    env: { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace },
  };
}

/** The same with our search attributes registered, as set-up leaves it. */
export function useSetUpTemporal(): Promise<TestTemporal> {
  return useTemporal({ searchAttributes: Object.values(SEARCH_ATTRIBUTES) });
}

/** Workers on that server for one test file, shut down after it. */
export async function useWorkers(
  { address, namespace }: TestTemporal,
  ...queues: (Pick<WorkerOptions, 'taskQueue'> & Partial<WorkerOptions>)[]
): Promise<void> {
  const connection = await NativeConnection.connect({ address });
  const workers = await Promise.all(
    queues.map((queue) => Worker.create({ connection, namespace, ...queue })),
  );
  const running = Promise.all(workers.map((worker) => worker.run()));
  afterAll(async () => {
    for (const worker of workers) worker.shutdown();
    await running;
    await connection.close();
  });
}
