import { Failure } from '../../domain/failures.ts';
import { ALL_STRIPE_EVENT_TYPES } from '../../domain/stripe-event-types.ts';
import { WEBHOOK_PATHS } from '../../domain/webhook-refusals.ts';
import { STRIPE_API_VERSION } from '../../stripe/account.ts';
import type { WebhookEndpoint } from '../../stripe/webhook-endpoints.ts';
import type { Environment } from './environment.ts';
import { ok, red, type Verdict, warning } from './finding.ts';
import { type Check, NotLookedAt } from './run-checks.ts';
import { modeName, type StripeAccount } from './stripe.ts';

const DASHBOARD = 'Stripe’s dashboard (Developers → Webhooks)';

export function webhookEndpointChecks(
  { account, endpoints }: StripeAccount,
  { webhookUrl }: Environment,
): Record<'webhook_endpoint' | 'webhook_event_types' | 'webhook_api_version', Check> {
  /** Those that Stripe sends to us; switched-off ones only when there is no other. */
  const ours = async () => {
    const own = endpointsOf(await endpoints.needed(), webhookUrl());
    if (own.length === 0) throw new NotLookedAt('there is no endpoint with our address');
    const enabled = own.filter(({ isEnabled }) => isEnabled);
    return enabled.length > 0 ? enabled : own;
  };
  return {
    webhook_endpoint: async () => {
      const { isLive } = await account.needed();
      try {
        return endpointFindings(await endpoints.examined(), { webhookUrl: webhookUrl(), isLive });
      } catch (error) {
        if (!(error instanceof Failure && error.name === 'StripePermissionDenied')) throw error;
        return [
          warning(
            'The key may not read webhook endpoints, so nothing is known of ours.',
            'Give the restricted key «Webhook Endpoints: read», or give doctor a key that has it.',
          ),
        ];
      }
    },
    webhook_event_types: async () => eventTypeFindings(await ours()),
    webhook_api_version: async () => (await ours()).map(apiVersionFinding),
  };
}

/** Those with our address. */
function endpointsOf(endpoints: readonly WebhookEndpoint[], webhookUrl: string): WebhookEndpoint[] {
  return endpoints.filter(({ url }) => isSameUrl(url, webhookUrl));
}

/** One endpoint with our address, switched on, of the key's mode. */
export function endpointFindings(
  endpoints: readonly WebhookEndpoint[],
  { webhookUrl, isLive }: { webhookUrl: string; isLive: boolean },
): Verdict[] {
  const own = endpointsOf(endpoints, webhookUrl);
  const enabled = own.filter(({ isEnabled }) => isEnabled);
  if (own.length === 0) return [missingFinding(endpoints, { webhookUrl, isLive })];
  const ids = own.map(({ id }) => id).join(', ');
  if (enabled.length === 0) {
    const fix = `Look at its failed deliveries, then enable it in ${DASHBOARD}.`;
    return [red(`Stripe sends nothing: ${ids} is disabled.`, fix)];
  }
  const findings: Verdict[] = [];
  const foreign = enabled.filter(({ livemode }) => livemode !== isLive);
  for (const { id, livemode } of foreign) {
    const detail = `${id} is of ${modeName(livemode)}, the key of ${modeName(isLive)}: its events are parked.`;
    findings.push(red(detail, `Make an endpoint in ${modeName(isLive)}, or correct STRIPE_SECRET_KEY.`));
  }
  if (enabled.length > 1) {
    const detail = `${enabled.map(({ id }) => id).join(', ')} have the same address: every event comes as often, and each has a secret of its own.`;
    findings.push(warning(detail, `Keep one of them, delete the others in ${DASHBOARD}.`));
  }
  return findings.length > 0 ? findings : [ok(`${enabled[0]?.id} sends to ${webhookUrl}.`)];
}

function missingFinding(
  endpoints: readonly WebhookEndpoint[],
  { webhookUrl, isLive }: { webhookUrl: string; isLive: boolean },
): Verdict {
  const near = endpoints.find(({ url }) => isOtherPathOfOurs(url, webhookUrl));
  const detail = `No endpoint of ${modeName(isLive)} has the address ${webhookUrl}.`;
  if (near) return red(`${detail} ${near.id} sends to ${near.url}.`, `Set WEBHOOK_URL to ${near.url}.`);
  return red(detail, `Make one in ${DASHBOARD}, as docs/setup-stripe.md says, or correct WEBHOOK_URL.`);
}

/** Together they must send what concerns us; what they send beside it is kept as `ignored`. */
export function eventTypeFindings(endpoints: readonly WebhookEndpoint[]): Verdict[] {
  const sent = new Set(endpoints.flatMap(({ eventTypes }) => eventTypes));
  const ids = endpoints.map(({ id }) => id).join(', ');
  if (sent.has('*')) {
    const detail = `${ids} sends all events (*), most of which are stored to be ignored.`;
    return [warning(detail, `Select only the types of docs/setup-stripe.md in ${DASHBOARD}.`)];
  }
  const missing = ALL_STRIPE_EVENT_TYPES.filter((type) => !sent.has(type));
  const others = [...sent].filter((type) => !ALL_STRIPE_EVENT_TYPES.includes(type));
  const findings: Verdict[] = [];
  if (missing.length > 0) {
    findings.push(red(`${ids} doesn’t send ${missing.join(', ')}.`, `Add them in ${DASHBOARD}.`));
  }
  if (others.length > 0) {
    const detail = `${ids} also sends what is of no concern and is stored to be ignored: ${others.join(', ')}.`;
    findings.push(warning(detail, `Take them out in ${DASHBOARD}; they do no harm.`));
  }
  return findings.length > 0
    ? findings
    : [ok(`All ${ALL_STRIPE_EVENT_TYPES.length} are sent, and no other.`)];
}

/** Only type, ids and mode are read from an event, so another version does no harm; it can't be changed later either. */
export function apiVersionFinding({ id, apiVersion }: WebhookEndpoint): Verdict {
  if (apiVersion === null) return ok(`${id} has the account’s default version; facts are read from the API.`);
  if (apiVersion === STRIPE_API_VERSION) return ok(`${id} has our version, ${apiVersion}.`);
  return warning(
    `${id} has the version ${apiVersion}, our requests ${STRIPE_API_VERSION}. It does no harm: facts are read from the API, never from events.`,
    'Nothing has to be done. Only a new endpoint can have another version.',
  );
}

function isSameUrl(one: string, other: string): boolean {
  return URL.canParse(one) && new URL(one).href === new URL(other).href;
}

function isOtherPathOfOurs(url: string, webhookUrl: string): boolean {
  if (!URL.canParse(url)) return false;
  const { origin, pathname } = new URL(url);
  return origin === new URL(webhookUrl).origin && WEBHOOK_PATHS.some((path) => pathname === path);
}
