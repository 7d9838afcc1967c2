import { type DestinationStream, type Logger, pino } from 'pino';

/**
 * Keys whose values never reach a log, at the top of a record or one level down: secrets, e-mail addresses and names.
 * Free text is kept clean where it is made; see `domain/failures.ts`.
 */
const REDACTED_KEYS = [
  'email',
  'client_name',
  'clientName',
  'name',
  'recipient',
  'to',
  'authorization',
  'stripe-signature',
  'cookie',
  'token',
  'secret',
  'password',
  'body',
  'payload',
];

/** Where such keys may stand: at the top, in an object, and in a request's headers. */
const REDACTED_PATHS = REDACTED_KEYS.flatMap((key) => [`["${key}"]`, `*["${key}"]`, `*.headers["${key}"]`]);

/** The one way a process of ours logs: JSON lines on standard output, redacted. */
export function createLog(options: {
  process: string;
  level: string;
  destination?: DestinationStream;
}): Logger {
  return pino(
    {
      level: options.level,
      base: { process: options.process, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
    },
    options.destination ?? pino.destination(1),
  );
}
