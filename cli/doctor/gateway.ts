import { z } from 'zod';
import { WEBHOOK_PATHS, WEBHOOK_REFUSALS } from '../../domain/webhook-refusals.ts';
import { signatureHeader } from '../../stripe/signature.ts';
import { describeError } from '../error-text.ts';
import type { Environment } from './environment.ts';
import { ok, red, type Verdict, warning } from './finding.ts';
import { type Prerequisite, prerequisite } from './prerequisite.ts';
import { type Check, Trouble } from './run-checks.ts';

const REQUEST_TIMEOUT_MS = 5_000;
/** Ours are far shorter; of what is not ours nobody knows. */
const BODY_LENGTH_MAX = 100_000;

/** JSON, but no event: the gateway checks its signature and refuses it then, so no row is left behind. */
const PING = JSON.stringify({ object: 'tenantry.doctor_ping' });

/** What a request was answered with, as far as it matters here. */
export type Answer = {
  status: number;
  location: string | null;
  /** The body when it is JSON. */
  body: unknown;
};

const problemSchema = z.object({ status: z.int(), detail: z.string() });
const readySchema = z.object({ checks: z.object({ postgres: z.string(), temporal: z.string() }) });

/** Settled once something answers at WEBHOOK_URL that is our gateway. */
export type Gateway = Prerequisite<void>;

export function reachGateway({ webhookUrl }: Environment): Gateway {
  return prerequisite('the gateway doesn’t answer at WEBHOOK_URL', async () => {
    const url = webhookUrl();
    const answer = await ask(url, { method: 'POST', body: PING });
    const trouble = strangerTrouble(url, answer);
    if (trouble) throw trouble;
  });
}

export function gatewayChecks(
  gateway: Gateway,
  { value, webhookUrl }: Environment,
): Record<'gateway' | 'gateway_health' | 'webhook_secret', Check> {
  return {
    gateway: async () => {
      await gateway.examined();
      return [ok(`The gateway answers at ${webhookUrl()}.`)];
    },
    gateway_health: async () => {
      await gateway.needed();
      const base = baseOf(webhookUrl());
      const [live, ready] = await Promise.all([ask(`${base}/health/live`), ask(`${base}/health/ready`)]);
      return [healthFinding(live, ready)];
    },
    webhook_secret: async () => {
      const secrets = [
        ...named('STRIPE_WEBHOOK_SECRET', value('STRIPE_WEBHOOK_SECRET')),
        ...named('STRIPE_WEBHOOK_SECRET_THIN', value('STRIPE_WEBHOOK_SECRET_THIN') ?? []),
      ];
      await gateway.needed();
      return Promise.all(
        secrets.map(async ({ name, secret }) => {
          const nowS = Math.floor(Date.now() / 1000);
          const headers = { 'stripe-signature': signatureHeader(PING, { secret, nowS }) };
          return secretFinding(name, await ask(webhookUrl(), { method: 'POST', body: PING, headers }));
        }),
      );
    },
  };
}

/** An unsigned request is refused by our gateway in words that nobody else has. @returns undefined when they are ours */
export function strangerTrouble(url: string, answer: Answer): Trouble | undefined {
  if (detailOf(answer) === WEBHOOK_REFUSALS.signature_missing) return undefined;
  if (answer.location !== null && answer.status >= 300 && answer.status < 400) {
    return new Trouble(
      `${url} redirects to ${answer.location}, and Stripe follows no redirects.`,
      'Set WEBHOOK_URL, and the endpoint in Stripe, to the address itself.',
    );
  }
  return new Trouble(
    `What answers at ${url} is not the webhook route of our gateway (HTTP ${answer.status}).`,
    `Correct WEBHOOK_URL or the way to the gateway; the path is ${WEBHOOK_PATHS[0]}.`,
  );
}

/**
 * What a signed ping says of a secret: whether the gateway has the one of this environment. It can't tell what Stripe signs
 * with.
 */
export function secretFinding(name: string, answer: Answer): Verdict {
  switch (detailOf(answer)) {
    case WEBHOOK_REFUSALS.not_an_event:
      return ok(`The gateway knows ${name}. Whether Stripe signs with it only a delivery can show.`);
    case WEBHOOK_REFUSALS.signature_mismatch:
      return red(
        `The gateway refuses what is signed with ${name}: it has another one, or something before it changes the body.`,
        'Set the same secrets here and for the gateway, those of the endpoint in Stripe, and start the gateway again.',
      );
    case WEBHOOK_REFUSALS.timestamp_outside_tolerance:
      return red(
        `The gateway’s clock is more than 300 s away from this machine’s, so ${name} could not be tried.`,
        'Set the clock of the gateway’s machine.',
      );
    case WEBHOOK_REFUSALS.signature_missing:
    case WEBHOOK_REFUSALS.signature_malformed:
      return red(
        'The Stripe-Signature header doesn’t come through to the gateway as it was sent.',
        'Let the proxy before the gateway leave the header as it is.',
      );
    default:
      return red(
        `The gateway answered a signed request with HTTP ${answer.status}.`,
        'Look at the gateway’s log, then run doctor again.',
      );
  }
}

/** @param ready 503 when Postgres is away for the gateway; that Temporal is away only delays the work */
export function healthFinding(live: Answer, ready: Answer): Verdict {
  if (ready.status === 503) {
    const detail = `${detailOf(ready) ?? 'The gateway is not ready.'} Webhooks are answered with 503, and Stripe sends them again.`;
    return red(detail, 'Start Postgres, or correct DATABASE_URL for the gateway.');
  }
  const checks = readySchema.safeParse(ready.body).data?.checks;
  if (live.status !== 200 || ready.status !== 200 || checks === undefined) {
    return warning(
      `The routes /health/live (HTTP ${live.status}) and /health/ready (HTTP ${ready.status}) don’t lead to the gateway.`,
      'Nothing, if they are kept from outside on purpose; ask the gateway itself then.',
    );
  }
  if (checks.temporal === 'up') return ok('Live and ready: Postgres and Temporal answer the gateway.');
  return warning(
    'Ready, but Temporal doesn’t answer the gateway: events are stored, and wait.',
    'Start Temporal, or correct TEMPORAL_ADDRESS for the gateway.',
  );
}

/** What stands before the webhook's path. */
export function baseOf(webhookUrl: string): string {
  const { origin, pathname } = new URL(webhookUrl);
  // Longest first: one path is the end of another.
  const paths = [...WEBHOOK_PATHS].sort((one, other) => other.length - one.length);
  const path = paths.find((known) => pathname.endsWith(known)) ?? '';
  return `${origin}${path === '' ? '' : pathname.slice(0, -path.length)}`;
}

function named(variable: string, secrets: readonly string[]): { name: string; secret: string }[] {
  return secrets.map((secret, index) => ({
    name: secrets.length === 1 ? variable : `${variable} (${index + 1} of ${secrets.length})`,
    secret,
  }));
}

function detailOf({ body }: Answer): string | undefined {
  return problemSchema.safeParse(body).data?.detail;
}

/** @throws Trouble when no answer comes in time */
async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  try {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const text = (await response.text()).slice(0, BODY_LENGTH_MAX);
    return { status: response.status, location: response.headers.get('location'), body: parsed(text) };
  } catch (error) {
    // What fetch says itself is only that it failed.
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new Trouble(
      `Nothing answers at ${url}: ${describeError(cause)}.`,
      'Start the gateway (npm run gateway), or correct WEBHOOK_URL, DNS, TLS or the firewall.',
    );
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
