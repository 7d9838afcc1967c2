import { invalidRequest, type StripeError } from '../errors.ts';

/** Stripe's limit for one query. */
const clausesMax = 10;

/** `=` is another spelling of `:`. */
export type SearchOperator = ':' | '~' | '>' | '<' | '>=' | '<=';

/** One condition, such as `-metadata["tenant"]:null`. */
export interface SearchClause {
  readonly field: string;
  /** For `metadata["key"]`. */
  readonly key: string | null;
  readonly operator: SearchOperator;
  /** Null for the word `null`, which stands for a field that is not there. */
  readonly value: string | null;
  readonly isQuoted: boolean;
  readonly isNegated: boolean;
}

export interface SearchQuery {
  readonly clauses: readonly SearchClause[];
  /** Whether all of them or any of them must hold. */
  readonly combinator: 'and' | 'or';
}

const quoted = `"((?:[^"\\\\]|\\\\.)*)"|'((?:[^'\\\\]|\\\\.)*)'`;
const clausePattern = new RegExp(
  `(-?)([A-Za-z0-9_.]+)(?:\\[(?:${quoted})\\])?\\s*(:|~|>=|<=|=|>|<)\\s*(?:${quoted}|([^\\s"']+))`,
  'y',
);
const separatorPattern = /\s+(?:(and|or)\s+)?/iy;

/**
 * Reads Stripe's search query language: up to ten clauses, which AND (or a space) or OR combine, never both.
 * @throws StripeError 400
 */
export function parseSearchQuery(text: string): SearchQuery {
  const query = text.trim();
  const clauses: SearchClause[] = [];
  const combinators = new Set<'and' | 'or'>();
  for (let position = 0; ; ) {
    clausePattern.lastIndex = position;
    const match = clausePattern.exec(query);
    if (!match) throw unreadable();
    clauses.push(toClause(match));
    if (clausePattern.lastIndex === query.length) break;
    separatorPattern.lastIndex = clausePattern.lastIndex;
    const separator = separatorPattern.exec(query);
    if (!separator) throw unreadable();
    combinators.add(separator[1]?.toLowerCase() === 'or' ? 'or' : 'and');
    position = separatorPattern.lastIndex;
  }
  if (clauses.length > clausesMax) throw refused(`You can combine up to ${clausesMax} query clauses.`);
  if (combinators.size > 1) throw refused('You cannot combine AND and OR in one query.');
  return { clauses, combinator: combinators.has('or') ? 'or' : 'and' };
}

function toClause(match: RegExpExecArray): SearchClause {
  const [, minus, field = '', doubleKey, singleKey, operator, doubleValue, singleValue, bare] = match;
  const key = doubleKey ?? singleKey;
  const value = doubleValue ?? singleValue;
  const isNull = value === undefined && bare?.toLowerCase() === 'null';
  return {
    field,
    key: key === undefined ? null : unescaped(key),
    operator: operator === '=' ? ':' : (operator as SearchOperator),
    value: isNull ? null : unescaped(value ?? bare ?? ''),
    isQuoted: value !== undefined,
    isNegated: minus === '-',
  };
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/g, '$1');
}

function unreadable(): StripeError {
  return refused(
    'Try using the format `metadata["key"]:"value"` to query for metadata or key:"value" to query for other fields.',
  );
}

function refused(reason: string): StripeError {
  return invalidRequest({ message: `We were unable to parse your search query. ${reason}` });
}
