import type { SchemaObject } from 'ajv';
import { mapValues, referredName, type Schema } from '../../../../sandbox/stripe/specification/openapi.ts';

/** A whole number, a decimal one and a truth value as a form writes them. */
const formPatterns = { integer: '^-?\\d+$', number: '^-?\\d+(\\.\\d+)?$', boolean: '^([Tt]rue|[Ff]alse)$' };

/** Whether an object may stand in place of its id, as where it was expanded. */
export type References = 'ids' | 'ids or objects';

/**
 * The JSON schema for what is answered: stricter than the specification, which leaves both open. No key that it
 * does not list, and every key that may be null is there.
 */
export function answerSchema(schema: Schema, references: References): SchemaObject {
  const convert = (inner: Schema): SchemaObject => answerSchema(inner, references);
  if (schema.$ref !== undefined) return { refersTo: { names: [referredName(schema.$ref)] } };
  if (schema.anyOf) {
    const names = schema.anyOf.flatMap(({ $ref }) => ($ref === undefined ? [] : [referredName($ref)]));
    const isText = schema.anyOf.some(({ type }) => type === 'string');
    const isNullable = schema.nullable ?? false;
    if (isText && references === 'ids') return { type: isNullable ? ['string', 'null'] : 'string' };
    return { refersTo: { names, isText, isNullable } };
  }
  const { type, nullable, enum: values, properties, items } = schema;
  const nullableKeys = Object.keys(properties ?? {}).filter((key) => properties?.[key]?.nullable);
  return {
    ...(type && { type: nullable ? [type, 'null'] : type }),
    ...(values && { enum: nullable ? [...values, null] : values }),
    ...limits(schema),
    ...(schema.format !== undefined && { format: schema.format }),
    ...(items && { items: convert(items) }),
    ...(properties && {
      properties: mapValues(properties, convert),
      required: [...new Set([...(schema.required ?? []), ...nullableKeys])],
    }),
    ...otherKeys(schema, convert),
  };
}

/** The JSON schema for a decoded form, in which every leaf is text: no key that the specification does not list. */
export function formSchema(schema: Schema): SchemaObject {
  const { type, properties, items, anyOf } = schema;
  if (anyOf) return formChoice(anyOf);
  if (type === 'object') {
    return {
      type,
      ...(properties && { properties: mapValues(properties, formSchema), required: schema.required ?? [] }),
      ...otherKeys(schema, formSchema),
    };
  }
  if (type === 'array') return { type, ...(items && { items: formSchema(items) }) };
  return { type: 'string', ...textLimits(schema) };
}

/**
 * A text, a list or a hash: what is said about one of them holds for no other, so that the branches can be one
 * schema, and a mistake is told once and where it is.
 */
function formChoice(branches: readonly Schema[]): SchemaObject {
  const texts = branches.filter(({ type }) => type !== 'object' && type !== 'array');
  const others = branches.filter((branch) => !texts.includes(branch)).map(formSchema);
  const types = new Set([...others.map(({ type }) => type), ...(texts.length > 0 ? ['string'] : [])]);
  const patterns = texts.map(textPattern);
  const [first] = others;
  // Two hashes are in the specification in few places, each a variant of the other.
  const merged = others.length > 1 ? mergedHashes(others) : first;
  return {
    ...merged,
    type: [...types],
    ...(texts.length > 0 && !patterns.includes('') && { pattern: patterns.join('|') }),
  };
}

function mergedHashes(hashes: readonly SchemaObject[]): SchemaObject {
  const properties = Object.assign({}, ...hashes.map((hash) => hash.properties));
  return { type: 'object', properties, additionalProperties: false };
}

function textLimits(schema: Schema): SchemaObject {
  if (schema.enum) return { enum: schema.enum.map(String) };
  const pattern = textPattern(schema);
  return { ...limits(schema), ...(pattern !== '' && { pattern }) };
}

/** What a text has to match; empty when any will do. */
export function textPattern({ type, enum: values }: Schema): string {
  if (values)
    return `^(${values.map((value) => String(value).replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})$`;
  return type === 'integer' || type === 'number' || type === 'boolean' ? formPatterns[type] : '';
}

function limits({ maxLength, pattern }: Schema): SchemaObject {
  return { ...(maxLength !== undefined && { maxLength }), ...(pattern !== undefined && { pattern }) };
}

/** A hash with listed keys takes no others; one without any is free. */
function otherKeys(schema: Schema, convert: (schema: Schema) => SchemaObject): SchemaObject {
  if (schema.type !== 'object') return {};
  const { additionalProperties: others = schema.properties === undefined } = schema;
  return { additionalProperties: typeof others === 'object' ? convert(others) : others };
}
