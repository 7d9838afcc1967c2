import { type Environment, environmentFindings } from './environment.ts';
import { eventChecks } from './events.ts';
import { CHECK_NAMES, type CheckName } from './finding.ts';
import { gatewayChecks, reachGateway } from './gateway.ts';
import { mailServerCheck } from './mail-server.ts';
import { connectPostgres, postgresChecks } from './postgres.ts';
import type { Check } from './run-checks.ts';
import { connectStripe, stripeChecks } from './stripe.ts';
import { connectTemporal, temporalChecks } from './temporal.ts';
import { webhookEndpointChecks } from './webhook-endpoint.ts';

/** Every check, in the order in which findings are shown; nothing is connected before one of them runs. */
export function createChecks(environment: Environment): {
  checks: Record<CheckName, Check>;
  close: () => Promise<void>;
} {
  const postgres = connectPostgres(environment);
  const temporal = connectTemporal(environment);
  const account = connectStripe(environment);
  const checks: Record<CheckName, Check> = {
    environment: async () => environmentFindings(environment.faults),
    ...postgresChecks(postgres, environment),
    ...temporalChecks(temporal, environment),
    ...stripeChecks(account, environment),
    ...webhookEndpointChecks(account, environment),
    ...gatewayChecks(reachGateway(environment), environment),
    mail_server: mailServerCheck(environment),
    ...eventChecks(postgres),
  };
  const inOrder = CHECK_NAMES.map((name) => [name, checks[name]] as const);
  return {
    checks: Object.fromEntries(inOrder) as Record<CheckName, Check>,
    close: async () => {
      await Promise.all([postgres.close(), temporal.close()]);
    },
  };
}
