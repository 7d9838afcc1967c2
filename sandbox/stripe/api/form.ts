import qs from 'qs';
import { invalidRequest } from './errors.ts';

/** Longest parameter list one request may carry. */
const parametersMax = 5_000;
/** Highest index read as an array position: a list of items is at most 100 long in Stripe. */
const arrayIndexMax = 1_000;
/** Deepest nesting of `a[b][c]=`. */
const nestingMax = 10;

/** Decoded form parameters: strings, arrays and nested objects of them. */
export type FormParameters = Record<string, unknown>;

/**
 * Decodes `a[b][c]=1&items[0][id]=x&expand[]=y`, as Stripe reads bodies and queries.
 * `%20` and `+` are both a space; every leaf stays a string.
 */
export function parseForm(text: string): FormParameters {
  if (text === '') return {};
  return qs.parse(text, {
    arrayLimit: arrayIndexMax,
    depth: nestingMax,
    parameterLimit: parametersMax,
    plainObjects: true,
  });
}

/** Decodes a JSON body of the v2 API. @throws StripeError 400 when it is no object */
export function parseJson(text: string): FormParameters {
  if (text === '') return {};
  const value = jsonValue(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw invalidRequest({ message: 'Invalid request: the body must be a JSON object.' });
}

function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The same parameters always give the same text, in whatever order they were sent. */
export function canonicalForm(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalForm).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalForm(inner)}`).join(',')}}`;
}

/** `['items', 0, 'price']` as Stripe names it in an error: `items[0][price]`. */
export function parameterName(path: readonly PropertyKey[]): string {
  const [first, ...rest] = path.map(String);
  return `${first ?? ''}${rest.map((part) => `[${part}]`).join('')}`;
}
