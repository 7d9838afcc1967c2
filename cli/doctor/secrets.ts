import type { Environment } from './environment.ts';
import type { Finding } from './finding.ts';

const HIDDEN = '…';
/** What is shorter would be found in ordinary words. */
const SECRET_LENGTH_MIN = 6;

/** Everything in the environment that nobody may read in a report. */
export function secretsIn({ value }: Pick<Environment, 'value'>): string[] {
  const urls = [() => value('DATABASE_URL'), () => value('SMTP_URL')].flatMap((read) => passwords(read));
  const others = [
    () => [value('STRIPE_SECRET_KEY')],
    () => value('STRIPE_WEBHOOK_SECRET'),
    () => value('STRIPE_WEBHOOK_SECRET_THIN') ?? [],
    () => value('CHECKOUT_API_KEYS'),
    () => [temporalKey(value)],
  ].flatMap((read) => usable(read));
  return [...urls, ...others].filter((secret) => secret.length >= SECRET_LENGTH_MIN);
}

/** What others say of an error may quote anything; what is secret is taken out before it is shown. */
export function withoutSecrets(finding: Finding, secrets: readonly string[]): Finding {
  const hide = (text: string) => secrets.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
  return { ...finding, detail: hide(finding.detail), fix: finding.fix === null ? null : hide(finding.fix) };
}

/** As it stands in the URL, and as it is sent. */
function passwords(read: () => string): string[] {
  return [
    ...usable(() => [new URL(read()).password]),
    ...usable(() => [decodeURIComponent(new URL(read()).password)]),
  ];
}

function temporalKey(value: Environment['value']): string {
  const { apiKey } = value('temporal').connectionOptions;
  return typeof apiKey === 'string' ? apiKey : '';
}

/** A variable that is not usable has no secret that could be told. */
function usable(read: () => readonly string[]): readonly string[] {
  try {
    return read();
  } catch {
    return [];
  }
}
