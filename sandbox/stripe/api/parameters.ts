import { z } from 'zod';
import { invalidRequest, parameterMissing, parameterUnknown, type StripeError } from './errors.ts';
import { type FormParameters, parameterName } from './form.ts';

/** A text that must not be empty. */
export const text = z.string().min(1, { error: 'You passed an empty string' });
/** A text whose empty string clears the field. */
export const clearableText = z.string().transform((value) => (value === '' ? null : value));
const urlRefusal = { error: 'Not a valid URL' };
/** An address that a page links or redirects to: of the web, so that no link runs a script. Placeholders may be in it. */
export const webUrl = text.refine(isWebUrl, urlRefusal);
/** Such an address whose empty string clears the field. */
export const clearableWebUrl = clearableText.refine((value) => value === null || isWebUrl(value), urlRefusal);
/** A whole number. */
export const integer = z
  .string()
  .regex(/^-?\d{1,15}$/, { error: (issue) => `Invalid integer: ${issue.input}` })
  .transform(Number);
/** A whole number that is not negative. */
export const natural = integer.refine((value) => value >= 0, {
  error: 'This value must be greater than or equal to 0.',
});
/** Stripe reads both spellings. */
export const boolean = z
  // A hash has no text of its own.
  .enum(['true', 'false', 'True', 'False'], {
    error: ({ input }) => `Invalid boolean: ${typeof input === 'string' ? input : JSON.stringify(input)}`,
  })
  .transform((value) => value.toLowerCase() === 'true');
/** The last second of the year 9999: what dates with four digits of a year can tell. */
const timestampMax = 253_402_300_799;
/** Unix seconds. */
export const timestamp = integer.refine((value) => value >= 0 && value <= timestampMax, {
  error: 'Invalid timestamp: must be an integer Unix timestamp.',
});
/** A decimal number, kept as it was written. */
export const decimal = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/, { error: (issue) => `Invalid decimal: ${issue.input}` });

function isWebUrl(value: string): boolean {
  return /^https?:\/\/[^\s/?#]/i.test(value) && URL.canParse(value);
}

/** Stripe's limits for metadata. */
const metadataKeysMax = 50;
const metadataKeyLengthMax = 40;
const metadataValueLengthMax = 500;

/** Metadata of something new. */
export const metadataHash = z
  .record(z.string().max(metadataKeyLengthMax), z.string().max(metadataValueLengthMax))
  .refine((value) => Object.keys(value).length <= metadataKeysMax, {
    error: `You can only set ${metadataKeysMax} metadata keys`,
  });

/** Metadata: an empty value deletes its key, an empty string in place of the hash deletes all. */
export const metadata = z.union([z.literal(''), metadataHash]);

export type Metadata = Readonly<Record<string, string>>;

/** Old metadata with the changes that came as a parameter. */
export function mergeMetadata(old: Metadata, change: '' | Metadata | undefined): Metadata {
  if (change === undefined) return old;
  if (change === '') return {};
  const merged: Record<string, string> = { ...old };
  for (const [key, value] of Object.entries(change)) {
    if (value === '') delete merged[key];
    else merged[key] = value;
  }
  return merged;
}

/** A creation time or a range of them, as lists filter by it. */
export const createdFilter = z
  .union([
    timestamp,
    z.strictObject({
      gt: timestamp.optional(),
      gte: timestamp.optional(),
      lt: timestamp.optional(),
      lte: timestamp.optional(),
    }),
  ])
  .optional();

/** Whether a creation time passes a list's `created` filter. */
export function isCreatedWithin(created: number, filter: z.infer<typeof createdFilter>): boolean {
  if (filter === undefined) return true;
  if (typeof filter === 'number') return created === filter;
  return (
    (filter.gt === undefined || created > filter.gt) &&
    (filter.gte === undefined || created >= filter.gte) &&
    (filter.lt === undefined || created < filter.lt) &&
    (filter.lte === undefined || created <= filter.lte)
  );
}

/** What was sent: the keys whose value is not undefined. */
export type Sent<Changes> = { [Key in keyof Changes]?: Exclude<Changes[Key], undefined> };

/** `{...changes}` without the keys that were not sent. */
export function sent<Changes extends object>(changes: Changes): Sent<Changes> {
  return Object.fromEntries(
    Object.entries(changes).filter(([, value]) => value !== undefined),
  ) as Sent<Changes>;
}

/**
 * Checks the parameters of a request against its endpoint's schema.
 * @throws StripeError about the first wrong parameter, worded as Stripe does.
 */
export function readParameters<Parameters>(schema: z.ZodType<Parameters>, raw: FormParameters): Parameters {
  const result = schema.safeParse(raw, { reportInput: true });
  if (result.success) return result.data;
  throw refusal(result.error.issues, []);
}

function refusal(issues: readonly z.core.$ZodIssue[], parent: readonly PropertyKey[]): StripeError {
  // What is unknown is told before what is missing, because a misspelled name is both.
  const issue = issues.find((one) => one.code === 'unrecognized_keys') ?? issues[0];
  if (!issue) return invalidRequest({ message: 'Invalid request.' });
  const path = [...parent, ...issue.path];
  const param = parameterName(path);
  if (issue.code === 'unrecognized_keys')
    return parameterUnknown(parameterName([...path, issue.keys[0] ?? '']));
  if (issue.code === 'invalid_union') return unionRefusal(issue, path);
  if (issue.input === undefined && (issue.code === 'invalid_type' || issue.code === 'invalid_value')) {
    return parameterMissing(param);
  }
  if (issue.code === 'invalid_value' && issue.message.startsWith('Invalid option')) {
    return invalidRequest({ param, message: `Invalid ${param}: must be one of ${issue.values.join(', ')}` });
  }
  if (issue.code === 'invalid_type') {
    const kind = issue.expected === 'array' ? 'array' : issue.expected === 'object' ? 'object' : 'string';
    return invalidRequest({ param, message: `Invalid ${kind}` });
  }
  return worded(issue.message, param);
}

/** The branch whose shape fits best tells what is wrong. */
function unionRefusal(issue: z.core.$ZodIssueInvalidUnion, path: readonly PropertyKey[]): StripeError {
  const isAbout = (branch: readonly z.core.$ZodIssue[]): boolean =>
    branch.some((one) => one.path.length > 0 || one.code === 'unrecognized_keys');
  const isShape = (branch: readonly z.core.$ZodIssue[]): boolean =>
    branch.some((one) => one.code === 'invalid_type' || one.code === 'invalid_value');
  const best =
    issue.errors.find(isAbout) ?? issue.errors.find((branch) => !isShape(branch)) ?? issue.errors[0];
  return refusal(best ?? [], path);
}

function worded(message: string, param: string): StripeError {
  if (message.startsWith('Invalid integer'))
    return invalidRequest({ code: 'parameter_invalid_integer', param, message });
  if (message.startsWith('You passed an empty string')) {
    const advice = `You passed an empty string for '${param}'. We assume empty values are an attempt to unset a parameter; however '${param}' cannot be unset. You should remove '${param}' from your request or supply a non-empty value.`;
    return invalidRequest({ code: 'parameter_invalid_empty', param, message: advice });
  }
  return invalidRequest({ param, message });
}
