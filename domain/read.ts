import type { z } from 'zod';
import { Failure } from './failures.ts';

/**
 * Takes a value from outside by a schema.
 *
 * @throws Failure InvalidInput with every wrong field in one line, `field message; field message`; values are not quoted
 */
export function read<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'input'} ${issue.message}`);
  throw new Failure('InvalidInput', issues.join('; '));
}
