import type { SchemaObject } from 'ajv';
import { z } from 'zod';
import type { Route } from '../../../../sandbox/stripe/resource.ts';
import type { Schema } from '../../../../sandbox/stripe/specification/openapi.ts';
import { type Endpoint, endpointKey } from '../../../../sandbox/stripe/specification/specification.ts';
import type { Deviation } from './deviations.ts';
import { branchesOf } from './form-values.ts';
import { textPattern } from './json-schema.ts';

/** How an endpoint's parameters compare to those of the specification. */
export interface ParameterComparison {
  readonly deviations: readonly Deviation[];
  /** The parameters that both know, nested ones too. */
  readonly taken: readonly string[];
  /** What the specification knows and the endpoint refuses; of a hash that is refused whole, only itself. */
  readonly untaken: readonly string[];
}

/** What each endpoint takes beside its own parameters. */
const takenEverywhere = 'expand';

/** Compares the schema by which a route checks its parameters with the specification. */
export function compareParameters(route: Route, endpoint: Endpoint): ParameterComparison {
  const comparison = new Comparison(endpointKey(route.method, route.path));
  const { [takenEverywhere]: _, ...properties } = endpoint.parameters.properties ?? {};
  comparison.compare(formOf(route), { ...endpoint.parameters, properties }, '');
  // What two variants of a hash have in common was met twice.
  const { deviations, taken, untaken } = comparison;
  return { deviations, taken: [...new Set(taken)], untaken: [...new Set(untaken)] };
}

/** What a route's schema takes, as JSON schema: before it turns texts into what they stand for. */
export function formOf(route: Route): SchemaObject {
  const { $schema: _, ...schema } = z.toJSONSchema(route.parameters, { io: 'input', reused: 'inline' });
  return schema;
}

class Comparison implements ParameterComparison {
  readonly deviations: Deviation[] = [];
  readonly taken: string[] = [];
  readonly untaken: string[] = [];
  private readonly endpoint: string;

  constructor(endpoint: string) {
    this.endpoint = endpoint;
  }

  compare(ours: SchemaObject, theirs: Schema, path: string): void {
    const branches = theirs.anyOf ?? [theirs];
    for (const branch of branchesOf(ours)) {
      if (branch.type === 'object') this.compareHash(branch, branches, path);
      else if (branch.type === 'array') this.compareList(branch, branches, path);
      else this.compareText(branch, branches, path);
    }
  }

  private compareHash(ours: SchemaObject, branches: readonly Schema[], path: string): void {
    const hashes = branches.filter(({ type }) => type === 'object');
    if (hashes.length === 0) {
      this.deviate(path, 'value', 'it takes a hash, the specification does not');
      return;
    }
    const map = hashes.find(({ additionalProperties }) => typeof additionalProperties === 'object');
    if (!ours.properties) {
      if (!map) this.deviate(path, 'value', 'it takes any key, the specification only those that it names');
      return;
    }
    if (ours.additionalProperties !== false) this.deviate(path, 'value', 'it lets unknown keys pass');
    const known: Record<string, Schema> = Object.assign({}, ...hashes.map(({ properties }) => properties));
    this.compareKeys(ours.properties, known, path);
    const required = hashes.flatMap(({ required = [] }) => required);
    for (const key of required.filter((key) => key in ours.properties && !ours.required?.includes(key)))
      this.deviate(below(path, key), 'missing', 'the specification requires it, the endpoint does not');
    for (const key of (ours.required ?? []).filter((key: string) => key in known && !required.includes(key)))
      this.deviate(below(path, key), 'missing', 'the endpoint requires it, the specification does not');
  }

  private compareKeys(
    ours: Readonly<Record<string, SchemaObject>>,
    known: Readonly<Record<string, Schema>>,
    path: string,
  ): void {
    for (const [key, schema] of Object.entries(ours)) {
      const counterpart = known[key];
      if (counterpart) {
        this.taken.push(below(path, key));
        this.compare(schema, counterpart, below(path, key));
      } else this.deviate(below(path, key), 'unknown', 'the specification has no such parameter');
    }
    for (const key of Object.keys(known)) if (!(key in ours)) this.untaken.push(below(path, key));
  }

  private compareList(ours: SchemaObject, branches: readonly Schema[], path: string): void {
    const items = branches.find(({ type }) => type === 'array')?.items;
    if (items) this.compare(ours.items, items, `${path}[]`);
    else this.deviate(path, 'value', 'it takes a list, the specification does not');
  }

  private compareText(ours: SchemaObject, branches: readonly Schema[], path: string): void {
    const texts = branches.filter(({ type }) => type !== 'object' && type !== 'array');
    const values: readonly string[] | undefined = 'const' in ours ? [ours.const] : ours.enum;
    if (values) {
      const refused = values.filter((value) => !texts.some((text) => takesText(text, value)));
      for (const value of refused) this.deviate(path, 'value', `the specification does not take '${value}'`);
      return;
    }
    const samples = sampleTexts.filter((sample) => new RegExp(ours.pattern ?? '').test(sample));
    const refused = samples.find((sample) => !texts.some((text) => takesText(text, sample)));
    if (refused === undefined) return;
    const kinds = texts.map(
      ({ type, enum: values }) => values?.map((value) => `'${value}'`).join(', ') ?? type,
    );
    const expected = kinds.length === 0 ? 'no text' : kinds.join(', ');
    this.deviate(path, 'value', `it takes '${refused}', the specification ${expected}`);
  }

  private deviate(path: string, what: Deviation['what'], detail: string): void {
    this.deviations.push({ where: `${this.endpoint}?${path}`, what, detail });
  }
}

/** One of each kind: what takes one of them takes all of its kind. */
const sampleTexts = ['12', '1.5', 'true', 'any text'];

function takesText(schema: Schema, value: string): boolean {
  return new RegExp(textPattern(schema)).test(value);
}

function below(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
