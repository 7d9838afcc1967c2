import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { startProcess } from '../../sandbox/processes/start-process.ts';
import { findTemporal } from '../../sandbox/temporal/find-temporal.ts';
import { startTemporal, type Temporal } from '../../sandbox/temporal/start-temporal.ts';
import { timeSkippingEnvironment } from '../../sandbox/temporal/time-skipping-environment.ts';

const log = () => undefined;
const FIND_TEMPORAL = new URL('../../sandbox/temporal/find-temporal.ts', import.meta.url).href;
const tenant = defineSearchAttributeKey('TenantId', SearchAttributeType.KEYWORD);

let folder: string;
let temporal: Temporal;

beforeEach(() => void vi.stubEnv('TEMPORAL_ADDRESS', ''));
beforeAll(async () => {
  vi.stubEnv('TEMPORAL_ADDRESS', '');
  folder = await mkdtemp(join(tmpdir(), 'tenantry-temporal-'));
  const dataFile = join(folder, 'temporal.db');
  temporal = await startTemporal({ dataFile, ui: true, searchAttributes: [tenant.name], log });
});
afterAll(async () => {
  await temporal.close();
  await rm(folder, { recursive: true, force: true });
});
afterEach(() => void vi.unstubAllEnvs());

async function withClient<Result>(
  address: string,
  task: (client: Client) => Promise<Result>,
): Promise<Result> {
  const connection = await Connection.connect({ address });
  return task(new Client({ connection })).finally(() => connection.close());
}

async function program(path: string, text: string): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
  await chmod(path, 0o755);
  return path;
}

test('a started server takes workflows with its search attributes, and has a web UI', async () => {
  const status = await withClient(temporal.address, async ({ workflow }) => {
    const typedSearchAttributes = new TypedSearchAttributes([{ key: tenant, value: 'one' }]);
    const handle = await workflow.start('any', {
      workflowId: 'first',
      taskQueue: 'none',
      typedSearchAttributes,
    });
    return (await handle.describe()).status.name;
  });
  expect(status).toBe('RUNNING');
  expect((await fetch(temporal.uiUrl ?? '')).status).toBe(200);
});

test('after an outage and after a crash the same address serves the same workflows', async () => {
  await withClient(temporal.address, ({ workflow }) =>
    workflow.start('any', { workflowId: 'kept', taskQueue: 'none' }),
  );
  const status = () =>
    withClient(
      temporal.address,
      async ({ workflow }) => (await workflow.getHandle('kept').describe()).status.name,
    );
  await temporal.stop();
  await expect(Connection.connect({ address: temporal.address, connectTimeout: 300 })).rejects.toThrow();
  await temporal.start();
  expect(await status()).toBe('RUNNING');
  await temporal.crash();
  await temporal.start();
  expect(await status()).toBe('RUNNING');
});

test('a port that another server has is not taken for our own server', async () => {
  const port = Number(temporal.address.split(':')[1]);
  await expect(startTemporal({ port, log })).rejects.toThrow(/did not start/);
});

test('TEMPORAL_ADDRESS is used as it is, and never stopped', async () => {
  vi.stubEnv('TEMPORAL_ADDRESS', temporal.address);
  const external = await startTemporal({ log });
  expect(external).toMatchObject({ address: temporal.address, namespace: 'default', pid: undefined });
  await expect(external.stop()).rejects.toThrow('not ours');
  await external.close();
  await withClient(temporal.address, async (client) => expect(client.options.namespace).toBe('default'));
});

test('the program on PATH comes before one that was built earlier', async () => {
  const cache = join(folder, 'cache-with-build');
  vi.stubEnv('XDG_CACHE_HOME', cache);
  vi.stubEnv('PATH', join(folder, 'empty'));
  const built = await program(join(cache, 'tenantry', 'temporal-1.8.2'), '');
  expect(await findTemporal(log)).toBe(built);
  vi.stubEnv('PATH', join(folder, 'bin'));
  const onPath = await program(join(folder, 'bin', 'temporal'), '');
  expect(await findTemporal(log)).toBe(onPath);
});

/** Looks for a server in a process of its own, whose network leads nowhere. */
async function findOffline(env: Record<string, string>) {
  const script = join(folder, 'find.mts');
  await writeFile(
    script,
    `import { findTemporal } from '${FIND_TEMPORAL}';
     console.log('found', await findTemporal((line) => console.log(line)));`,
  );
  const offline = { HTTPS_PROXY: 'http://127.0.0.1:1', ...env };
  const finder = await startProcess({ name: 'finder', run: { script }, env: offline });
  const { code } = await finder.exited;
  return { code, output: finder.output().join('\n') };
}

test('without any way to a server the error names them all', async () => {
  const found = await findOffline({ PATH: join(folder, 'empty'), XDG_CACHE_HOME: join(folder, 'no-cache') });
  expect(found.code).toBe(1);
  for (const way of ['TEMPORAL_ADDRESS', 'on PATH', 'temporal.download', 'Go 1.26.4']) {
    expect(found.output).toContain(way);
  }
});

test('two processes that need a server built build it once, with a line that says so', async () => {
  const bin = join(folder, 'go-bin');
  const cache = join(folder, 'cache-to-build');
  const builds = join(folder, 'builds');
  await program(
    join(bin, 'go'),
    `#!/bin/sh\necho "$CGO_ENABLED $*" >> ${builds}\n/bin/sleep 1\necho built > "$5"\n`,
  );
  const env = { PATH: bin, XDG_CACHE_HOME: cache };
  const [one, two] = await Promise.all([findOffline(env), findOffline(env)]);
  const target = join(cache, 'tenantry', 'temporal-1.8.2');
  for (const { output } of [one, two]) expect(output).toContain(`found ${target}`);
  expect(`${one.output}${two.output}`).toMatch(/building the server from its Go modules/);
  expect((await readFile(builds, 'utf8')).trim().split('\n')).toEqual([
    expect.stringMatching(
      /^0 build -trimpath -ldflags=-s -w -o \S+ github\.com\/temporalio\/cli\/cmd\/temporal$/,
    ),
  ]);
  expect(existsSync(`${target}.lock`)).toBe(false);
});

test('time-skipping servers start side by side, skip weeks in no time and know their search attributes', async () => {
  const environments = await Promise.all(
    [1, 2].map(() => timeSkippingEnvironment({ searchAttributes: [tenant.name], log })),
  );
  try {
    for (const environment of environments) {
      const before = await environment.currentTimeMs();
      await environment.sleep('30 days');
      expect((await environment.currentTimeMs()) - before).toBeGreaterThanOrEqual(30 * 86_400_000);
      const typedSearchAttributes = new TypedSearchAttributes([{ key: tenant, value: 'one' }]);
      const options = { workflowId: 'first', taskQueue: 'none', typedSearchAttributes };
      const handle = await environment.client.workflow.start('any', options);
      expect((await handle.describe()).typedSearchAttributes.get(tenant)).toBe('one');
    }
  } finally {
    await Promise.all(environments.map((environment) => environment.teardown()));
  }
});
