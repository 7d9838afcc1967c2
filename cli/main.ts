#!/usr/bin/env node
import { CommanderError } from 'commander';
import { TemporalUnavailable } from '../client/temporal-unavailable.ts';
import { ConfigurationError } from '../config.ts';
import { databaseFailure } from '../db/errors.ts';
import { createCli } from './cli.ts';
import { createConnections } from './connections.ts';
import { describeError } from './error-text.ts';
import { EXIT_CODES, Refused } from './exit-codes.ts';
import { createProgram, exitCodeOfCommander } from './program.ts';

const connections = createConnections();
const cli = createCli({
  connections,
  streams: process,
  end: (code) => {
    process.exitCode = code;
  },
});
const program = createProgram(cli);
// A reader that has seen enough, as `head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT_CODES.done);
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
} finally {
  await connections.close();
  // A call that is being tried again would go on upon the closed connection, and throw where nobody catches it.
  process.stdout.write('', () => process.exit());
}

function report(error: unknown): number {
  // Commander has said what is wrong.
  if (error instanceof CommanderError) return exitCodeOfCommander(error);
  process.stderr.write(`error: ${sentenceOf(error)}\n`);
  return EXIT_CODES.failed;
}

/** Neither a stack trace nor, of a statement, its parameters: they may be personal data. */
function sentenceOf(error: unknown): string {
  const isExpected =
    error instanceof Refused || error instanceof ConfigurationError || error instanceof TemporalUnavailable;
  return isExpected ? error.message : describeError(databaseFailure(error));
}
