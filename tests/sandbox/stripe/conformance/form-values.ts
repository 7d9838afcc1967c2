import type { SchemaObject } from 'ajv';
import type { FormParameters } from '../../../../sandbox/stripe/api/form.ts';
import { mapValues, type Schema } from '../../../../sandbox/stripe/specification/openapi.ts';
import { textPattern } from './json-schema.ts';

/** Tried in this order where a schema takes more than a few values. */
const sampleTexts = ['https://example.com/', 'usd', '1', '2026-01-01'];

/**
 * Parameters that together hold every parameter of a form, nested ones too, with each kind of value that it takes.
 * What the specification does not know, or takes another value for, is left out.
 *
 * @param ours an endpoint's form as JSON schema
 * @param theirs the same of the specification
 */
export function* formValues(ours: SchemaObject, theirs: Schema): Generator<FormParameters> {
  const least = leastHash(ours, [theirs]);
  yield least;
  yield* valuesOfHash(ours, [theirs], least);
}

function* valuesOf(ours: SchemaObject, theirs: Schema): Generator<unknown> {
  const branches = theirs.anyOf ?? [theirs];
  for (const branch of branchesOf(ours)) {
    if (branch.type === 'array') {
      const items = branches.find(({ type }) => type === 'array')?.items;
      if (items) for (const value of valuesOf(branch.items, items)) yield [value];
    } else if (branch.properties) {
      yield* valuesOfHash(branch, branches, leastHash(branch, branches));
    } else if (branch.type === 'object') yield { key: 'value' };
    else yield* textsOf(branch, branches);
  }
}

function* valuesOfHash(
  ours: SchemaObject,
  branches: readonly Schema[],
  least: FormParameters,
): Generator<FormParameters> {
  const known = keysOf(branches);
  for (const [key, inner] of Object.entries<SchemaObject>(ours.properties)) {
    const counterpart = known[key];
    if (counterpart) for (const value of valuesOf(inner, counterpart)) yield { ...least, [key]: value };
  }
}

/** The required keys, each with the first value that both take. */
function leastHash(ours: SchemaObject, branches: readonly Schema[]): FormParameters {
  const known = keysOf(branches);
  const required: readonly string[] = [
    ...(ours.required ?? []),
    ...branches.flatMap(({ required = [] }) => required.filter((key) => key in ours.properties)),
  ];
  const shared = required.flatMap((key) => (known[key] ? [[key, known[key]] as const] : []));
  return mapValues(Object.fromEntries(shared), (theirs, key) => leastValue(ours.properties[key], theirs));
}

function leastValue(ours: SchemaObject, theirs: Schema): unknown {
  for (const value of valuesOf(ours, theirs)) return value;
  return '';
}

function textsOf(ours: SchemaObject, branches: readonly Schema[]): readonly string[] {
  const takenByThem = (value: string): boolean =>
    branches.some((branch) => isText(branch) && new RegExp(textPattern(branch)).test(value));
  const values: readonly string[] | undefined = 'const' in ours ? [ours.const] : ours.enum;
  if (values) return values.filter(takenByThem);
  const named = branches.flatMap((branch) => branch.enum?.map(String) ?? []);
  const pattern = new RegExp(ours.pattern ?? '');
  const text = [...named.filter((value) => value !== ''), ...sampleTexts].find(
    (candidate) => pattern.test(candidate) && takenByThem(candidate),
  );
  return text === undefined ? [] : [text];
}

function keysOf(branches: readonly Schema[]): Readonly<Record<string, Schema>> {
  return Object.assign({}, ...branches.map(({ properties }) => properties));
}

function isText({ type }: Schema): boolean {
  return type !== 'object' && type !== 'array';
}

/** The alternatives of a schema; itself when there are none. */
export function branchesOf(schema: SchemaObject): readonly SchemaObject[] {
  return schema.anyOf ? schema.anyOf.flatMap(branchesOf) : [schema];
}
