import { invalidRequest } from '../errors.ts';
import { at, type Searchable, type SearchField, searchFields } from './search-fields.ts';
import type { SearchClause, SearchOperator, SearchQuery } from './search-query.ts';

/** Stripe's limit: shorter parts of a text are not looked for. */
const partLengthMin = 3;

type Test = (object: Readonly<Record<string, unknown>>) => boolean;

/**
 * A query as a test of objects in the form in which the API shows them.
 * @throws StripeError 400 for a field that can't be searched, or an operator that its type does not have
 */
export function searchTest(of: Searchable, query: SearchQuery): Test {
  const tests = query.clauses.map((clause) => clauseTest(of, clause));
  return (object) =>
    query.combinator === 'or' ? tests.some((test) => test(object)) : tests.every((test) => test(object));
}

function clauseTest(of: Searchable, clause: SearchClause): Test {
  const field = fieldOf(of, clause);
  refuseUnfit(clause, field);
  const read = field.read ?? ((object) => at(object, clause.field));
  return (object) => holds(field, clause, read(object)) !== clause.isNegated;
}

function fieldOf(of: Searchable, clause: SearchClause): SearchField {
  const { field: name, key } = clause;
  if (name === 'metadata' && key !== null) {
    return { type: 'token', read: ({ metadata }) => at({ metadata: entry(metadata, key) }, 'metadata') };
  }
  const fields: Readonly<Record<string, SearchField>> = searchFields[of];
  const field = Object.hasOwn(fields, name) && key === null ? fields[name] : undefined;
  if (field) return field;
  const page = `http://stripe.com/docs/search#query-fields-for-${of.replaceAll('_', '-')}`;
  throw invalidRequest({
    message: `Field \`${name}\` is an unsupported search field for resource \`${of}\`. See ${page} for a list of supported fields.`,
  });
}

function entry(metadata: unknown, key: string): unknown {
  return typeof metadata === 'object' && metadata !== null
    ? Object.entries(metadata).find(([name]) => name === key)?.[1]
    : undefined;
}

function refuseUnfit(clause: SearchClause, { type }: SearchField): void {
  const { field, operator, value } = clause;
  if (value === null) {
    if (operator !== ':') throw refused(`\`null\` can only be used with \`:\` (\`${field}\`).`);
    return;
  }
  if (operator === '~' && type !== 'string') throw unsupported(operator, clause);
  if (operator === '~' && value.length < partLengthMin) {
    throw refused(`A substring of \`${field}\` must have at least ${partLengthMin} characters.`);
  }
  if (operator !== ':' && operator !== '~' && type !== 'numeric') throw unsupported(operator, clause);
  const isNumber = /^-?\d+(\.\d+)?$/.test(value);
  if (type === 'numeric' && !isNumber) throw refused(`\`${field}\` is numeric, \`${value}\` is not.`);
  if (!clause.isQuoted && !isNumber) throw refused(`The value of \`${field}\` must be in quotation marks.`);
}

function unsupported(operator: SearchOperator, { field }: SearchClause): Error {
  return refused(`The operator \`${operator}\` is not supported for the field \`${field}\`.`);
}

function refused(message: string): Error {
  return invalidRequest({ message });
}

function holds(field: SearchField, clause: SearchClause, actual: unknown): boolean {
  const isThere = actual !== null && actual !== undefined;
  if (clause.value === null) return !isThere;
  if (!isThere) return false;
  if (field.type === 'numeric') return compares(Number(actual), clause.operator, Number(clause.value));
  const text = String(actual).toLowerCase();
  const wanted = clause.value.toLowerCase();
  if (clause.operator === '~') return text.includes(wanted);
  return field.type === 'token' ? text === wanted : ` ${words(text)} `.includes(` ${words(wanted)} `);
}

function compares(actual: number, operator: SearchOperator, wanted: number): boolean {
  switch (operator) {
    case '>':
      return actual > wanted;
    case '<':
      return actual < wanted;
    case '>=':
      return actual >= wanted;
    case '<=':
      return actual <= wanted;
    case ':':
    case '~':
      return actual === wanted;
    default:
      return operator satisfies never;
  }
}

/** The words of a text with one space between each. */
function words(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}
