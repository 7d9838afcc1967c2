import { Command, type CommanderError, Help, type Option } from 'commander';
import type { Cli } from './cli.ts';
import { addDoctor } from './commands/doctor.ts';
import { addDunning } from './commands/dunning.ts';
import { addEvents } from './commands/events.ts';
import { addImports } from './commands/imports.ts';
import { addReconcile } from './commands/reconcile.ts';
import { addTenants } from './commands/tenants.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';

const EXIT_CODES_HELP = `
Exit codes:
  0  done
  1  failed or refused
  2  wrong usage
  3  done, but there are conflicts, drift or red findings to look at
`;

/** The whole command line. It throws what goes wrong; `exitCodeOf` says what that means to the caller. */
export function createProgram(cli: Cli): Command {
  const program = new Command('tenantry')
    .description('Import, check and repair what tenantry keeps of Stripe.')
    .option('--json', 'print one JSON value on standard output; everything else goes to standard error')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false, optionDescription })
    .addHelpText('after', EXIT_CODES_HELP);
  addImports(program, cli);
  addReconcile(program, cli);
  addEvents(program, cli);
  addTenants(program, cli);
  addDunning(program, cli);
  addDoctor(program, cli);
  for (const command of everyCommand(program)) command.exitOverride().showHelpAfterError();
  return program;
}

/** Commander says of a default, not of a must. */
function optionDescription(option: Option): string {
  const text = new Help().optionDescription(option);
  return option.mandatory && option.defaultValue === undefined ? `${text} (required)` : text;
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** What commander throws: help that was asked for is no error, everything else is wrong usage. */
export function exitCodeOfCommander(error: CommanderError): ExitCode {
  return error.exitCode === 0 && error.code !== 'commander.help' ? EXIT_CODES.done : EXIT_CODES.usage;
}
