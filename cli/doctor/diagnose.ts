import { createChecks } from './checks.ts';
import { readEnvironment } from './environment.ts';
import { type Report, reportOf } from './report.ts';
import { runChecks } from './run-checks.ts';
import { secretsIn, withoutSecrets } from './secrets.ts';

/**
 * Looks at the whole installation. It never throws for what it finds.
 *
 * @param variables missing: those of this process
 */
export async function diagnose(variables?: Record<string, string | undefined>): Promise<Report> {
  const environment = readEnvironment(variables);
  const { checks, close } = createChecks(environment);
  try {
    const secrets = secretsIn(environment);
    const findings = await runChecks(checks);
    return reportOf(findings.map((finding) => withoutSecrets(finding, secrets)));
  } finally {
    await close();
  }
}
