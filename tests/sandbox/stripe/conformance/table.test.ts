import { expect, test } from 'vitest';
import { resources } from '../../../../sandbox/stripe/resources.ts';
import { readSpecification } from '../../../../sandbox/stripe/specification/specification.ts';
import { readText, section } from '../../../docs/documents.ts';
import { exceptions } from './exceptions.ts';
import { endpointSection } from './table.ts';

const path = 'docs/simulator.md';
const heading = '\n## Endpoints\n';

test('docs/simulator.md lists every endpoint and every exception as they are; `-u` writes it anew', async () => {
  const specification = await readSpecification();
  const text = readText(path);
  const listed = endpointSection({ resources, specification, exceptions });
  const after = text.indexOf(heading) + heading.length;
  const rest = text.slice(after + section(text, heading.trim()).length);
  const expected = `${text.slice(0, after)}${listed}${rest === '' ? '' : `\n${rest}`}`;
  await expect(expected).toMatchFileSnapshot(`../../../../${path}`);
});

test('every resource says what it keeps', () => {
  const silent = resources.filter(({ keeps = '' }) => keeps === '');
  expect(silent.map(({ object }) => object)).toEqual([]);
});
