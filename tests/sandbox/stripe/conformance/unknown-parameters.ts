import type { SchemaObject } from 'ajv';
import { type FormParameters, parameterName } from '../../../../sandbox/stripe/api/form.ts';
import { branchesOf } from './form-values.ts';

/** A name that no hash of Stripe's has. */
const unknownKey = 'no_such_parameter';

/** Parameters that would be right but for one, and that one as Stripe names it. */
export interface UnknownParameter {
  readonly parameters: FormParameters;
  readonly param: string;
}

/** Puts an unknown parameter into each hash that a form takes: the whole itself, and all that are nested in it. */
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
    const whole = Object(leastValue(branch));
    yield { value: { ...whole, [unknownKey]: '1' }, path: [unknownKey] };
    for (const [key, inner] of Object.entries<SchemaObject>(branch.properties)) {
      for (const { value, path } of withUnknownKey(inner))
        yield { value: { ...whole, [key]: value }, path: [key, ...path] };
    }
  }
}

/** The shortest value that a schema takes. */
function leastValue(schema: SchemaObject): unknown {
  const [branch = schema] = branchesOf(schema);
  if ('const' in branch) return branch.const;
  if (branch.enum) return branch.enum[0];
  if (branch.type === 'array') return branch.minItems ? [leastValue(branch.items)] : [];
  if (branch.type === 'object') {
    const required: readonly string[] = branch.required ?? [];
    return Object.fromEntries(required.map((key) => [key, leastValue(branch.properties[key])]));
  }
  return ['https://example.com/', '1'].find((text) => new RegExp(branch.pattern ?? '').test(text)) ?? '';
}
