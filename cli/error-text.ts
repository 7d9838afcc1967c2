/** The causes too: a client says what it could not do, its cause why. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.message === '' ? codeOf(error) : error.message;
  return error.cause === undefined || error.cause === error ? own : `${own}: ${describeError(error.cause)}`;
}

/** Node's error for a name with several addresses has a code only. */
function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.name;
}
