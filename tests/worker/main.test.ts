import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../sandbox/processes/free-port.ts';
import { type ManagedProcess, startProcess } from '../../sandbox/processes/start-process.ts';
import { startTemporal, type Temporal } from '../../sandbox/temporal/start-temporal.ts';
import { MASTER_BILLING_TENANT_ID, useDatabase } from '../database.ts';

const { url: databaseUrl } = await useDatabase();
const NOBODY = '127.0.0.1:1';
const STARTED = (line: string) => line.includes('worker started');

let temporal: Temporal;
beforeAll(async () => {
  temporal = await startTemporal({ log: () => undefined });
});
afterAll(() => temporal.close());
let worker: ManagedProcess | undefined;
afterEach(async () => void (await worker?.stop()));

async function startWorker(environment: Record<string, string>, readyLine = STARTED) {
  const port = await freePort();
  worker = await startProcess({
    name: 'worker',
    run: { script: 'worker/main.ts' },
    env: {
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporal.address,
      STRIPE_SECRET_KEY: 'sk_test_1',
      MASTER_BILLING_TENANT_ID,
      APP_URL: 'https://app.example.com',
      SMTP_URL: `smtp://${NOBODY}`,
      MAIL_FROM: 'hello@example.com',
      METRICS_PORT: String(port),
      ...environment,
    },
    readyWhen: { line: readyLine },
  });
  const url = `http://127.0.0.1:${port}`;
  const ready = async () => {
    const answer = await fetch(`${url}/health/ready`);
    return { status: answer.status, ...((await answer.json()) as { checks: unknown }) };
  };
  return { url, worker, ready };
}

test('it starts without Temporal: not ready, with its own metrics but none of the SDK’s, and it stops when told', async () => {
  const { url, worker, ready } = await startWorker({ TEMPORAL_ADDRESS: NOBODY });
  expect(await ready()).toMatchObject({ checks: { database: 'up', temporal: 'down' } });
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toContain('\ntenantry_inbox_backlog_rows 0\n');
  expect(metrics).not.toContain('temporal_');
  worker.kill('SIGTERM');
  expect(await worker.exited).toEqual({ code: 0, signal: null });
});

test('a namespace that is not there is waited for, and the process stops when told', async () => {
  const { worker, ready } = await startWorker({ TEMPORAL_NAMESPACE: 'nowhere' }, (line) =>
    line.includes('Namespace nowhere'),
  );
  expect(await ready()).toMatchObject({ checks: { database: 'up', temporal: 'down' } });
  worker.kill('SIGTERM');
  expect(await worker.exited).toEqual({ code: 0, signal: null });
});

test('it is ready while Temporal answers, and only then', async () => {
  const { url, ready } = await startWorker({}, (line) => line.includes('workers poll'));
  await expect.poll(ready).toMatchObject({ checks: { temporal: 'up' } });
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('temporal_');
  await temporal.stop();
  expect(await ready()).toMatchObject({ checks: { database: 'up', temporal: 'down' } });
  await temporal.start();
  await expect.poll(ready).toMatchObject({ checks: { temporal: 'up' } });
});

test('a port that is taken is told in the log, with exit code 1', async () => {
  const { url } = await startWorker({ TEMPORAL_ADDRESS: NOBODY });
  const first = worker;
  const second = startWorker({ TEMPORAL_ADDRESS: NOBODY, METRICS_PORT: new URL(url).port });
  await expect(second).rejects.toThrow(/"code":1[\s\S]*can’t listen on/);
  worker = first;
});
