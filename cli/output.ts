import Table from 'cli-table3';

/** Where a command's answer goes: standard output. What it tells meanwhile goes to standard error. */
export type Output = {
  /** The answer, once: one JSON value for programs, or what `print` makes of it for people. */
  answer<T>(value: T, print: (value: T) => string): void;
  /** A line about what is going on. */
  note(line: string): void;
  isJson: boolean;
};

export function createOutput(options: {
  isJson: boolean;
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
}): Output {
  const { isJson, stdout, stderr } = options;
  return {
    isJson,
    answer: (value, print) => {
      stdout.write(`${isJson ? JSON.stringify(value, null, 2) : print(value)}\n`);
    },
    note: (line) => {
      stderr.write(`${line}\n`);
    },
  };
}

const PLAIN = { head: [], border: [], 'padding-left': 0, 'padding-right': 2 };
const NO_BORDERS = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((part) => [part, '']),
);

/**
 * A table for people: no frame, so that it can be piped and grepped.
 *
 * @param rows values by column; null and undefined are shown as a dash
 * @param none the sentence that stands for an empty table
 */
export function table(
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
  none: string,
): string {
  if (rows.length === 0) return none;
  const printed = new Table({ head: [...columns], style: PLAIN, chars: NO_BORDERS });
  for (const row of rows) printed.push(row.map(cell));
  return trimmed(printed.toString());
}

/** Names and values below each other. */
export function fields(pairs: Readonly<Record<string, unknown>>): string {
  const printed = new Table({ style: PLAIN, chars: NO_BORDERS });
  for (const [name, value] of Object.entries(pairs)) printed.push([name, cell(value)]);
  return trimmed(printed.toString());
}

function trimmed(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function cell(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (value instanceof Date) return value.toISOString();
  return visible(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

/** Names and addresses are whatever somebody typed: a terminal must neither obey them nor be led astray by them. */
function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
