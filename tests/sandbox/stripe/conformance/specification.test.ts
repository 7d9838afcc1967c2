import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { startProcess } from '../../../../sandbox/processes/start-process.ts';
import { endpointKey, readSpecification } from '../../../../sandbox/stripe/specification/specification.ts';

const specificationFile = fileURLToPath(
  new URL('../../../../sandbox/stripe/specification/specification.ts', import.meta.url),
);
const mockFile = fileURLToPath(
  new URL('../../../../sandbox/stripe/specification/stripe-mock.ts', import.meta.url),
);

test.each([
  ['specification', `import { readSpecification } from '${specificationFile}'; await readSpecification();`],
  ['stripe-mock', `import { startStripeMock } from '${mockFile}'; await startStripeMock(console.log);`],
])('without Go there is no %s, and the error says what to do', async (_, code) => {
  const folder = await mkdtemp(join(tmpdir(), 'tenantry-no-go-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const script = join(folder, 'start.mts');
  await writeFile(script, code);
  const env = { PATH: join(folder, 'empty'), XDG_CACHE_HOME: join(folder, 'cache') };
  const child = await startProcess({ name: 'start', run: { script }, env });
  expect((await child.exited).code).toBe(1);
  expect(child.output().join('\n')).toContain('install Go 1.22 or later');
});

test('the specification knows parameters, answers and events', async () => {
  const { version, schemas, endpoints, eventObjects } = await readSpecification();
  expect(version).toBe('2026-08-26.dahlia');
  const endpoint = endpoints[endpointKey('POST', '/v1/customers/:id')];
  expect(endpoint?.parameters.properties).toHaveProperty('email');
  expect(endpoint?.answer).toEqual({ $ref: '#/components/schemas/customer' });
  expect(schemas.customer?.properties).toHaveProperty('email');
  expect(eventObjects['customer.subscription.updated']).toBe('subscription');
});
