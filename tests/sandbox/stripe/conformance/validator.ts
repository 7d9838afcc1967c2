import {
  Ajv,
  type ErrorObject,
  type SchemaObject,
  type SchemaValidateFunction,
  type ValidateFunction,
} from 'ajv';
import type { Deviation } from './deviations.ts';

/** What stands in place of a `$ref` or of a choice of them: an object of one of these schemas, or its id. */
interface Reference {
  readonly names: readonly string[];
  readonly isText?: boolean;
  readonly isNullable?: boolean;
}

/** Longest text of a value in a message. */
const valueTextMax = 120;

/**
 * Validates values against named schemas that refer to each other. A schema is compiled when the first value comes
 * that needs it: all that can be reached from a subscription takes seconds, what is really there a blink.
 */
export class Validator {
  private readonly ajv = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true });
  private readonly compiled = new Map<string, ValidateFunction>();
  private readonly schemaOf: (name: string) => SchemaObject | undefined;

  /** @param schemaOf the schema of a name; undefined for an unknown one */
  constructor(schemaOf: (name: string) => SchemaObject | undefined) {
    this.schemaOf = schemaOf;
    this.ajv.addFormat('unix-time', { type: 'number', validate: (value) => value >= 0 });
    this.ajv.addFormat('currency', /^[a-z]{3}$/);
    this.ajv.addFormat('decimal', /^-?\d+(\.\d+)?$/);
    const refersTo: SchemaValidateFunction = (reference: Reference, value) => {
      refersTo.errors = this.follow(reference, value);
      return refersTo.errors.length === 0;
    };
    this.ajv.addKeyword({ keyword: 'refersTo', errors: 'full', validate: refersTo });
  }

  /** Whether there is a schema of this name. */
  knows(name: unknown): name is string {
    return typeof name === 'string' && this.schemaOf(name) !== undefined;
  }

  /** @returns how the value differs from the schema of that name; nothing when it fits */
  deviations(name: string, value: unknown): Deviation[] {
    const validate = this.validateFunction(name);
    if (validate(value)) return [];
    // Copied before the next value is validated: a schema may hold others of its own kind.
    return (validate.errors ?? []).flatMap((error) => error.params.within ?? [toDeviation(name, error)]);
  }

  private validateFunction(name: string): ValidateFunction {
    const known = this.compiled.get(name);
    if (known) return known;
    const schema = this.schemaOf(name);
    if (!schema) throw new Error(`the specification has no schema ${name}`);
    const validate = this.ajv.compile(schema);
    this.compiled.set(name, validate);
    return validate;
  }

  private follow(reference: Reference, value: unknown): Partial<ErrorObject>[] {
    const { names, isText = false, isNullable = false } = reference;
    if ((value === null && isNullable) || (typeof value === 'string' && isText)) return [];
    const candidates = isRecord(value) ? names.filter((name) => this.mayBe(name, value)) : [];
    if (candidates.length === 0) {
      const kinds = [...names, ...(isText ? ['its id'] : []), ...(isNullable ? ['null'] : [])];
      return [{ message: `must be ${kinds.join(', ')}`, params: {} }];
    }
    const [best = []] = candidates
      .map((name) => this.deviations(name, value))
      .sort((a, b) => a.length - b.length);
    return best.length === 0 ? [] : [{ params: { within: best } }];
  }

  /** By `object`, and by `deleted`, which tells a stub from its whole. */
  private mayBe(name: string, value: Readonly<Record<string, unknown>>): boolean {
    const { properties = {} }: SchemaObject = this.schemaOf(name) ?? {};
    const kinds: readonly unknown[] | undefined = properties.object?.enum;
    if (kinds && !kinds.includes(value.object)) return false;
    return kinds === undefined || 'deleted' in properties === (value.deleted === true);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toDeviation(name: string, error: ErrorObject): Deviation {
  const steps = error.instancePath.split('/').slice(1);
  const keys = steps.map((step) => (/^\d+$/.test(step) ? '[]' : `.${step.replaceAll('~1', '/')}`));
  const place = `${name}${keys.join('')}`;
  if (error.keyword === 'additionalProperties') {
    const key: string = error.params.additionalProperty;
    const value = isRecord(error.data) ? error.data[key] : undefined;
    return { where: `${place}.${key}`, what: 'unknown', detail: `it is ${textOf(value)}`, value };
  }
  if (error.keyword === 'required') {
    return { where: `${place}.${error.params.missingProperty}`, what: 'missing', detail: 'it is left out' };
  }
  const allowed = error.keyword === 'enum' ? ` (${error.params.allowedValues.join(', ')})` : '';
  return {
    where: place,
    what: 'value',
    detail: `${error.message}${allowed}, and is ${textOf(error.data)}`,
    value: error.data,
  };
}

function textOf(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > valueTextMax ? `${text.slice(0, valueTextMax)}…` : text;
}
