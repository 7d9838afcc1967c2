/** A schema of OpenAPI 3.0, as far as Stripe's specification goes. */
export interface Schema {
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array';
  readonly nullable?: boolean;
  readonly enum?: readonly (string | boolean)[];
  readonly format?: string;
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  /** `#/components/schemas/{name}`. */
  readonly $ref?: string;
}

/** The document that Stripe publishes, as far as it is read. */
export interface OpenApiDocument {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema & OpenApiExtensions>> };
}

export interface OpenApiOperation {
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: 'path' | 'query';
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: OpenApiContent };
  readonly responses: Readonly<Record<string, { readonly content: OpenApiContent }>>;
}

type OpenApiContent = Readonly<Record<string, { readonly schema: Schema }>>;

interface OpenApiExtensions {
  /** On a schema of the preview that describes an event: its type; `properties.object` is what it is about. */
  readonly 'x-stripeEvent'?: { readonly type: string };
}

/** The keys of a schema that say something about values. */
const schemaKeys = new Set([
  'type',
  'nullable',
  'enum',
  'format',
  'pattern',
  'maxLength',
  'required',
  'additionalProperties',
  'items',
  'anyOf',
  '$ref',
]);

/** A schema without descriptions and the other two thirds of its text that say nothing about values. */
export function bareSchema(schema: Schema): Schema {
  const kept = Object.entries(schema).filter(([key]) => schemaKeys.has(key));
  const { items, anyOf, additionalProperties, ...bare }: Schema = Object.fromEntries(kept);
  return {
    ...bare,
    ...(schema.properties && { properties: mapValues(schema.properties, bareSchema) }),
    ...(items && { items: bareSchema(items) }),
    ...(anyOf && { anyOf: anyOf.map(bareSchema) }),
    ...(additionalProperties !== undefined && {
      additionalProperties:
        typeof additionalProperties === 'object' ? bareSchema(additionalProperties) : additionalProperties,
    }),
  };
}

/** An object with the same keys and other values. */
export function mapValues<From, To>(
  object: Readonly<Record<string, From>>,
  change: (value: From, key: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}

/** The name of the schema that a `$ref` names. */
export function referredName(ref: string): string {
  return ref.slice(ref.lastIndexOf('/') + 1);
}
