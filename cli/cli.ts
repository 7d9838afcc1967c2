import { userInfo } from 'node:os';
import type { Client } from '@temporalio/client';
import { type Command, InvalidArgumentError } from 'commander';
import type { Config } from '../config.ts';
import type { Database } from '../db/connect.ts';
import { type ExitCode, WrongUsage } from './exit-codes.ts';
import { createOutput, type Output } from './output.ts';

/** What commands work with; each part is opened when it is first asked for, so that `--help` needs nothing. */
export type Cli = {
  /** @throws ConfigurationError naming every variable that is missing */
  config(): Config<'cli'>;
  database(): Database;
  /** @throws TemporalUnavailable within seconds */
  temporal(): Promise<Client>;
  /** The mode of our Stripe key. @throws ConfigurationError when there is none */
  isLivemode(): boolean;
  output(command: Command): Output;
  /** Makes an action of a command whose answer is the process's exit code. */
  action<Arguments extends unknown[]>(
    run: (output: Output, ...values: Arguments) => Promise<ExitCode>,
  ): (...values: Arguments) => Promise<void>;
};

/** Streams of the process, or a test's. */
export type Streams = { stdout: { write(text: string): unknown }; stderr: { write(text: string): unknown } };

/** @param connections opened on demand */
export function createCli(options: {
  connections: Pick<Cli, 'config' | 'database' | 'temporal' | 'isLivemode'>;
  streams: Streams;
  end: (code: ExitCode) => void;
}): Cli {
  const { connections, streams, end } = options;
  const output = (command: Command) =>
    createOutput({ isJson: command.optsWithGlobals().json === true, ...streams });
  return {
    ...connections,
    output,
    action:
      (run) =>
      async (...values) => {
        // Commander gives the command itself last.
        const command = values.at(-1) as Command;
        try {
          end(await run(output(command), ...values));
        } catch (error) {
          if (error instanceof WrongUsage) command.error(`error: ${error.message}`);
          throw error;
        }
      },
  };
}

/** Who changes something, and why. Every command that changes something takes both. */
export type Author = { actor: string; reason: string };

/** As the audit log takes it; the same limits as those of the workflows' updates. */
const ACTOR_LENGTH_MAX = 200;
const REASON_LENGTH_MAX = 2_000;

/** Adds `--reason` and `--actor` to a command that changes something. */
export function changes(command: Command, { needsReason = false } = {}): Command {
  const reason = command.createOption('--reason <text>', 'why; it is kept in the audit log');
  const actor = command.createOption('--actor <name>', 'who; it is kept in the audit log');
  return command
    .addOption(reason.makeOptionMandatory(needsReason).argParser(textOf(REASON_LENGTH_MAX)))
    .addOption(actor.default(loginName(), 'the login name').argParser(textOf(ACTOR_LENGTH_MAX)));
}

function textOf(lengthMax: number): (text: string) => string {
  return (text) => {
    const trimmed = text.trim();
    if (trimmed === '' || trimmed.length > lengthMax)
      throw new InvalidArgumentError(`It must have 1 to ${lengthMax} characters.`);
    return trimmed;
  };
}

/** @param action stands for a reason where none was given and none is needed */
export function authorOf(options: { actor: string; reason?: string }, action: string): Author {
  return { actor: options.actor, reason: options.reason ?? `no reason given (${action})` };
}

/** A user without an entry in the system's list, as in containers, is known by its number. */
function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
