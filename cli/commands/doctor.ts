import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { diagnose } from '../doctor/diagnose.ts';
import { printReport } from '../doctor/report.ts';
import { EXIT_CODES } from '../exit-codes.ts';

const HELP = `
Looks at the environment of all processes, Postgres, Temporal, Stripe, the gateway, the mail server, and at what waits in
the inbox. It changes nothing and needs no process but those it looks at. docs/troubleshooting.md explains each check.
A warning is worth a look; a red finding must be mended, and makes the exit code 3.
`;

/** `tenantry doctor`: everything that can be wrong with an installation, and what mends it. */
export function addDoctor(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description('Check the whole installation, and say what mends it.')
    .addHelpText('after', HELP)
    .action(
      cli.action(async (output) => {
        const report = await diagnose();
        output.answer(report, printReport);
        return report.ok ? EXIT_CODES.done : EXIT_CODES.findings;
      }),
    );
}
