import { type Config, examineConfig, type VariableFault } from '../../config.ts';
import { WEBHOOK_PATHS } from '../../domain/webhook-refusals.ts';
import { ok, red, type Verdict } from './finding.ts';
import { NotLookedAt } from './run-checks.ts';

type Values = Config<'doctor'>;

/** What the environment holds, as far as it is usable. */
export type Environment = {
  faults: readonly VariableFault[];
  /** @throws NotLookedAt when the variable is missing or malformed; `environment` says which it is */
  value<V extends keyof Values>(variable: V): Values[V];
  /** The public address of the webhook route. @throws NotLookedAt */
  webhookUrl(): string;
};

/** @param variables missing: those of this process */
export function readEnvironment(variables?: Record<string, string | undefined>): Environment {
  const { values, faults } = examineConfig('doctor', variables);
  const value = <V extends keyof Values>(variable: V): Values[V] => {
    if (!(variable in values)) {
      const name = variable === 'temporal' ? 'a variable of Temporal’s' : String(variable);
      throw new NotLookedAt(`${name} is not usable`);
    }
    return values[variable] as Values[V];
  };
  return {
    faults,
    value,
    webhookUrl: () => value('WEBHOOK_URL') ?? defaultWebhookUrl(value('HOST'), value('PORT')),
  };
}

/** Where the gateway listens by itself. */
export function defaultWebhookUrl(host: string, port: number): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}${WEBHOOK_PATHS[0]}`;
}

/** A finding for each variable that is missing or malformed; never its value. */
export function environmentFindings(faults: readonly VariableFault[]): Verdict[] {
  if (faults.length === 0) return [ok('Every variable of all processes is usable.')];
  return faults.map(({ variable, trouble }) =>
    red(`${variable} ${trouble}.`, `Set ${variable} as docs/configuration.md says.`),
  );
}
