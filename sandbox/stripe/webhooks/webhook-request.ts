import { createHmac } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** What became of one HTTP request to an endpoint. Only a 2xx counts as delivered. */
export interface WebhookAnswer {
  /** Null when there was no answer. */
  readonly status: number | null;
  /** Why there was none. */
  readonly error: string | null;
}

/** A request's answer, and whether there was anybody to answer it. */
interface SentWebhook {
  readonly answer: WebhookAnswer;
  /** False when no connection came about, or it broke; a receiver that is merely too slow was reached. */
  readonly isReached: boolean;
}

interface Webhook {
  readonly url: string;
  readonly body: string;
  readonly secrets: readonly string[];
  readonly timestampSeconds: number;
  readonly timeoutMs: number;
}

/** Sends webhooks over connections that are kept open. */
export interface WebhookSender {
  /** Never rejects: what can't be sent is an answer as well. */
  send(webhook: Webhook): Promise<SentWebhook>;
  close(): void;
}

/** Connections kept open to one receiver that nothing uses at the moment. */
const sparesMax = 64;

/**
 * The `Stripe-Signature` header: HMAC-SHA256 over `timestamp.body`, once per active secret, each used whole. In test
 * mode Stripe adds a v0 that verifies with nothing, for receivers to ignore.
 */
function signatureHeader(body: string, secrets: readonly string[], timestampSeconds: number): string {
  const sign = (key: string): string =>
    createHmac('sha256', key).update(`${timestampSeconds}.${body}`).digest('hex');
  const signatures = secrets.map((secret) => `v1=${sign(secret)}`);
  return [`t=${timestampSeconds}`, ...signatures, `v0=${sign('')}`].join(',');
}

export function createWebhookSender(): WebhookSender {
  const options = { keepAlive: true, maxFreeSockets: sparesMax };
  const plain = new HttpAgent(options);
  const secure = new HttpsAgent(options);
  const send = (webhook: Webhook): Promise<SentWebhook> =>
    new Promise((resolve) => {
      const isSecure = webhook.url.startsWith('https:');
      const start = isSecure ? httpsRequest : httpRequest;
      const request = start(webhook.url, {
        method: 'POST',
        agent: isSecure ? secure : plain,
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'content-length': Buffer.byteLength(webhook.body),
          'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
          'stripe-signature': signatureHeader(webhook.body, webhook.secrets, webhook.timestampSeconds),
          accept: '*/*; q=0.5, application/xml',
        },
      });
      // A whole-request limit: a socket timeout alone would let an endpoint trickle for ever.
      const timer = setTimeout(() => {
        settle({ status: null, error: `no answer within ${webhook.timeoutMs} ms` }, true);
        request.destroy();
      }, webhook.timeoutMs);
      const settle = (answer: WebhookAnswer, isReached: boolean): void => {
        clearTimeout(timer);
        resolve({ answer, isReached });
      };
      const fail = (error: Error): void => settle({ status: null, error: error.message }, false);
      request.on('error', fail);
      request.on('response', (response) => {
        response.resume();
        response.on('error', fail);
        response.on('end', () => settle({ status: response.statusCode ?? null, error: null }, true));
      });
      request.end(webhook.body);
    });
  return {
    // Some URLs that parse can't be requested, such as one with a broken escape in its user name.
    send: (webhook) =>
      send(webhook).catch((error: unknown) => ({
        answer: { status: null, error: error instanceof Error ? error.message : String(error) },
        isReached: false,
      })),
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}
