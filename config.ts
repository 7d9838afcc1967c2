import { loadClientConnectConfig } from '@temporalio/envconfig';
import { z } from 'zod';
import { DEFAULT_TASK_QUEUE } from './client/contract.ts';
import { tenantIdSchema } from './domain/ids.ts';

const list = (item: z.ZodString) =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(item).min(1));

const url = (protocol: RegExp, example: string) =>
  z.url({ protocol, error: `must be a URL like ${example}` });
const port = z.coerce.number().int().min(0).max(65_535);
const secret = (prefix: RegExp, example: string) => z.string().regex(prefix, `must look like ${example}`);

/** Every variable that we read ourselves, with the sentence that documents it. docs/configuration.md is held to it. */
export const VARIABLES = {
  DATABASE_URL: url(/^postgres(ql)?$/, 'postgres://user:password@host:5432/database').describe(
    'Postgres 15 or newer',
  ),
  TASK_QUEUE: z
    .string()
    .min(1)
    .default(DEFAULT_TASK_QUEUE)
    .describe('Temporal task queue; the one for Stripe adds -stripe'),
  STRIPE_SECRET_KEY: secret(/^(sk|rk)_(test|live)_\w+$/, 'sk_test_…').describe(
    'Stripe API key; its mode decides which events are ours',
  ),
  STRIPE_API_BASE: url(/^https?$/, 'http://127.0.0.1:12111')
    .optional()
    .describe('another base URL for Stripe, for the simulator'),
  STRIPE_WEBHOOK_SECRET: list(secret(/^whsec_\S+$/, 'whsec_…')).describe(
    'signing secret(s) of the webhook endpoint, separated by commas',
  ),
  STRIPE_WEBHOOK_SECRET_THIN: list(secret(/^whsec_\S+$/, 'whsec_…'))
    .optional()
    .describe('signing secret(s) of thin event destinations, separated by commas'),
  STRIPE_PRO_PRICE_ID: list(secret(/^price_\w+$/, 'price_…'))
    .optional()
    .describe('the licence price(s), separated by commas; unset: every item with a quantity counts'),
  STRIPE_MAX_REQUESTS_PER_SECOND: z.coerce
    .number()
    .positive()
    .max(1000)
    .default(20)
    .describe('activities that call Stripe, per second over all workers'),
  MASTER_BILLING_TENANT_ID: tenantIdSchema.describe(
    'uuid of the tenant that owns products and prices; `npm run setup` creates its row',
  ),
  APP_URL: url(/^https?$/, 'https://app.example.com').describe('the public URL of the product'),
  CHECKOUT_API_KEYS: list(z.string().min(16, 'each key must have at least 16 characters')).describe(
    'bearer keys for /checkouts, separated by commas',
  ),
  SMTP_URL: url(/^smtps?$/, 'smtp://user:password@host:587').describe('mail server'),
  MAIL_FROM: z.string().min(3).describe('sender of all mails'),
  MAIL_TEMPLATES_DIR: z
    .string()
    .optional()
    .describe('folder with mail templates that replace the built-in ones'),
  DUNNING_POLICY_FILE: z
    .string()
    .optional()
    .describe('JSON file with the dunning policy; unset: the built-in policy'),
  HOST: z.string().min(1).default('127.0.0.1').describe('address the gateway listens on'),
  PORT: port.default(3000).describe('port the gateway listens on'),
  WEBHOOK_URL: url(/^https?$/, 'https://tenantry.example.com/webhooks/stripe')
    .optional()
    .describe('public address of the webhook route, as Stripe knows it'),
  METRICS_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('address of the worker’s /metrics and /health/ready'),
  METRICS_PORT: port.default(9464).describe('port of the worker’s /metrics and /health/ready'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('least level that is logged'),
  WORKER_ROLES: list(z.string().regex(/^(workflows|stripe)$/, 'must be workflows or stripe'))
    .prefault('workflows,stripe')
    .describe('which workers the process runs: workflows (with the database activities), stripe, or both'),
  WORKER_VERSIONING: z
    .stringbool()
    .default(false)
    .describe('take part in Worker Deployment Versioning with the package version as build id'),
} as const satisfies Record<string, z.ZodType>;

type Variable = keyof typeof VARIABLES;

const SHARED = ['DATABASE_URL', 'TASK_QUEUE', 'LOG_LEVEL'] as const;
/** `tenantry doctor` looks at what all processes need. */
const ALL_VARIABLES = Object.keys(VARIABLES) as readonly Variable[];

/** Which process needs which variables; a process is not asked for those it doesn't use. */
export const VARIABLES_OF = {
  setup: [...SHARED, 'MASTER_BILLING_TENANT_ID'],
  gateway: [
    ...SHARED,
    'STRIPE_SECRET_KEY',
    'STRIPE_WEBHOOK_SECRET',
    'STRIPE_WEBHOOK_SECRET_THIN',
    'CHECKOUT_API_KEYS',
    'HOST',
    'PORT',
  ],
  worker: [
    ...SHARED,
    'STRIPE_SECRET_KEY',
    'STRIPE_API_BASE',
    'STRIPE_PRO_PRICE_ID',
    'STRIPE_MAX_REQUESTS_PER_SECOND',
    'MASTER_BILLING_TENANT_ID',
    'APP_URL',
    'SMTP_URL',
    'MAIL_FROM',
    'MAIL_TEMPLATES_DIR',
    'DUNNING_POLICY_FILE',
    'METRICS_HOST',
    'METRICS_PORT',
    'WORKER_ROLES',
    'WORKER_VERSIONING',
  ],
  cli: ['DATABASE_URL', 'TASK_QUEUE'],
  /** Where the command line has to know the key's mode. */
  replay: ['DATABASE_URL', 'TASK_QUEUE', 'STRIPE_SECRET_KEY'],
  doctor: ALL_VARIABLES,
} as const satisfies Record<string, readonly Variable[]>;

export type ProcessName = keyof typeof VARIABLES_OF;
type Values<P extends ProcessName> = {
  readonly [V in (typeof VARIABLES_OF)[P][number]]: z.output<(typeof VARIABLES)[V]>;
};
export type Config<P extends ProcessName> = Values<P> & { readonly temporal: TemporalConnectConfig };
type TemporalConnectConfig = ReturnType<typeof loadClientConnectConfig>;

/** The environment is not usable; the message names every variable and what is wrong with it. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/**
 * Reads the environment once for one process: our variables, and Temporal's as `@temporalio/envconfig` reads them.
 * An empty variable counts as unset, as in most process managers.
 *
 * @throws ConfigurationError with one message that names every missing or malformed variable
 */
export function readConfig<P extends ProcessName>(name: P, environment = process.env): Config<P> {
  const { values, faults } = examineConfig(name, environment);
  if (faults.length === 0) return values as Config<P>;
  const heading = `The ${name} can't start, its environment is not usable:`;
  const lines = faults.map((fault) => `  ${fault.variable} ${fault.trouble}`);
  throw new ConfigurationError([heading, ...lines].join('\n'));
}

/** What is wrong with a variable, without its value: that may be a secret in the wrong place. */
export type VariableFault = { variable: string; trouble: string };

/**
 * Reads what is usable, and tells what is not, for whoever goes on without it.
 *
 * @returns values without those of the variables that have faults
 */
export function examineConfig<P extends ProcessName>(
  name: P,
  environment = process.env,
): { values: Partial<Config<P>>; faults: readonly VariableFault[] } {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const faults: VariableFault[] = [];
  const values: Record<string, unknown> = {};
  for (const variable of VARIABLES_OF[name]) {
    const parsed = VARIABLES[variable].safeParse(given[variable]);
    if (parsed.success) values[variable] = Object.freeze(parsed.data);
    else faults.push({ variable, trouble: troubleOf(parsed.error, given[variable] === undefined) });
  }
  const temporal = readTemporalConfig(given);
  if (temporal instanceof Error)
    faults.push({ variable: 'TEMPORAL_…', trouble: `can’t be read: ${temporal.message}` });
  else values.temporal = temporal;
  return { values: Object.freeze(values) as Partial<Config<P>>, faults };
}

/** What is wrong with Temporal's variables is told together with what is wrong with ours, so it is answered, not thrown. */
function readTemporalConfig(given: Record<string, string | undefined>): TemporalConnectConfig | Error {
  try {
    return loadClientConnectConfig({ overrideEnvVars: definedOnly(given) });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function troubleOf(error: z.ZodError, isMissing: boolean): string {
  if (isMissing) return 'is missing';
  return [...new Set(error.issues.map((issue) => issue.message))].join('; ');
}

function definedOnly(environment: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
