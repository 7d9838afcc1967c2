import { userInfo } from 'node:os';
import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import type { Config } from '../config.ts';
import type { Database } from '../db/connect.ts';
import type { ExitCode } from './exit-codes.ts';
import { createOutput, type Output } from './output.ts';

/** What commands work with; each part is opened when it is first asked for, so that `--help` needs nothing. */
export type Cli = {
  /** @throws ConfigurationError naming every variable that is missing */
  config(): Config<'cli'>;
  database(): Database;
  temporal(): Promise<Client>;
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
  connections: Pick<Cli, 'config' | 'database' | 'temporal'>;
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
        end(await run(output(command), ...values));
      },
  };
}

/** Who changes something, and why. Every command that changes something takes both. */
export type Author = { actor: string; reason: string };

/** Adds `--reason` and `--actor` to a command that changes something. */
export function changes(command: Command, { needsReason = false } = {}): Command {
  const reason = needsReason ? command.requiredOption.bind(command) : command.option.bind(command);
  reason('--reason <text>', 'why; it is kept in the audit log');
  return command.option('--actor <name>', 'who; default: the login name', loginName());
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
