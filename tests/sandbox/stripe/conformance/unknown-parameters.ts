import type { SchemaObject } from 'ajv';
import { type FormParameters, parameterName } from '../../../../sandbox/stripe/api/form.ts';

/** A name that no hash of Stripe's has. */
const unknownKey = 'no_such_parameter';

/** A request that would be right but for one parameter, and that parameter as Stripe names it. */
export interface UnknownParameter {
  readonly parameters: FormParameters;
  readonly param: string;
}

/** Puts an unknown parameter into each hash that a form takes, the whole itself and all that are nested in it. */
export function* unknownParameters(form: SchemaObject): Generator<UnknownParameter> {
  for (const { value, path } of withUnknownKey(form)) {
    yield { parameters: Object(value), param: parameterName(path) };
  }
}

function* withUnknownKey(schema: SchemaObject): Generator<{ value: unknown; path: (string | number)[] }> {
  for (const branch of branchesOf(schema)) {
    if (branch.items) {
      for (const { value, path } of withUnknownKey(branch.items))
        yield { value: [value], path: [0, ...path] };
    }
    if (!branch.properties) continue;
    const whole = sample(branch);
    yield { value: { ...Object(whole), [unknownKey]: '1' }, path: [unknownKey] };
    for (const [key, inner] of Object.entries<SchemaObject>(branch.properties)) {
      for (const { value, path } of withUnknownKey(inner))
        yield { value: { ...Object(whole), [key]: value }, path: [key, ...path] };
    }
  }
}

function branchesOf(schema: SchemaObject): SchemaObject[] {
  return (schema.anyOf ?? schema.allOf ?? [schema]) as SchemaObject[];
}

/** The shortest value that a schema takes. */
function sample(schema: SchemaObject): unknown {
  const [branch = schema] = branchesOf(schema);
  if (branch !== schema) return sample(branch);
  if ('const' in branch) return branch.const;
  if (branch.enum) return branch.enum[0];
  if (branch.type === 'array') return branch.minItems ? [sample(branch.items)] : [];
  if (branch.type === 'object') {
    const required: readonly string[] = branch.required ?? [];
    return Object.fromEntries(required.map((key) => [key, sample(branch.properties[key])]));
  }
  return sampleTexts.find((text) => new RegExp(branch.pattern ?? '').test(text)) ?? '';
}

const sampleTexts = ['https://example.com/', '1'];
