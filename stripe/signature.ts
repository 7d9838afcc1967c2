import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { EventKind } from '../domain/webhook-event.ts';

/** Stripe signs anew at each attempt, so a longer distance is a replay or a wrong clock. */
const TOLERANCE_S = 300;
/** Room for a timestamp and a signature of every secret of a long rotation. */
const HEADER_LENGTH_MAX = 4096;
const SIGNATURES_MAX = 16;

const TIMESTAMP = /^\d{1,12}$/;
/** A SHA-256 in hex. */
const SIGNATURE = /^[0-9a-f]{64}$/;

/** A signing secret made ready for HMAC, and the kinds of events that its endpoints deliver. */
export type WebhookKey = { key: KeyObject; kinds: readonly EventKind[] };

/** What a well-formed header says; nothing of it is proven. */
export type ClaimedSignature = { timestamp: string; signatures: readonly Buffer[] };

export type SignatureReading =
  | { claimed: ClaimedSignature }
  | { refused: 'signature_missing' | 'signature_malformed' | 'timestamp_outside_tolerance' };

export type SignatureVerdict =
  | { verified: true; kinds: readonly EventKind[] }
  | { verified: false; reason: 'signature_mismatch' };

/**
 * Makes the configured secrets ready, once. Stripe uses the whole `whsec_…` text as the key.
 *
 * @param secrets.thin of thin event destinations; a secret that stands in both lists is good for both kinds
 */
export function prepareWebhookKeys(secrets: {
  snapshot: readonly string[];
  thin: readonly string[];
}): WebhookKey[] {
  return [...new Set([...secrets.snapshot, ...secrets.thin])].map((secret) => ({
    key: createSecretKey(secret, 'utf8'),
    kinds: (['snapshot', 'thin'] as const).filter((kind) => secrets[kind].includes(secret)),
  }));
}

/**
 * Reads `Stripe-Signature: t=<unix seconds>,v1=<hex>[,v1=<hex>…]`, for which no body is needed. Other schemes, such as the
 * v0 of test mode, are ignored.
 *
 * @param request.header as Node gives it, which joins several headers of that name by commas: one that was split is whole
 * again, two whole ones have two timestamps and are malformed
 * @param request.nowS unix seconds; the timestamp may be 300 s away from it, past or future
 */
export function readSignature(request: {
  header: string | readonly string[] | undefined;
  nowS: number;
}): SignatureReading {
  if (request.header === undefined || request.header === '') return { refused: 'signature_missing' };
  const claimed = parseHeader(request.header);
  if (claimed === undefined) return { refused: 'signature_malformed' };
  const isNear = Math.abs(request.nowS - Number(claimed.timestamp)) <= TOLERANCE_S;
  return isNear ? { claimed } : { refused: 'timestamp_outside_tolerance' };
}

/**
 * Checks a signature over the body's bytes, before anything reads them. Every v1 is tried against every key in constant
 * time.
 */
export function verifySignature(
  { timestamp, signatures }: ClaimedSignature,
  body: Buffer,
  keys: readonly WebhookKey[],
): SignatureVerdict {
  for (const { key, kinds } of keys) {
    const expected = createHmac('sha256', key).update(`${timestamp}.`).update(body).digest();
    if (signatures.some((signature) => timingSafeEqual(signature, expected))) {
      return { verified: true, kinds };
    }
  }
  return { verified: false, reason: 'signature_mismatch' };
}

/** Signs as Stripe does. @returns the value of `Stripe-Signature` */
export function signatureHeader(body: string, options: { secret: string; nowS: number }): string {
  const signature = createHmac('sha256', options.secret).update(`${options.nowS}.${body}`).digest('hex');
  return `t=${options.nowS},v1=${signature}`;
}

function parseHeader(header: string | readonly string[]): ClaimedSignature | undefined {
  if (typeof header !== 'string' || header.length > HEADER_LENGTH_MAX) return undefined;
  const items = header.split(',').map((item) => item.trim());
  const timestamps = valuesOf(items, 't');
  const signatures = valuesOf(items, 'v1');
  const [timestamp] = timestamps;
  const isWellFormed =
    timestamp !== undefined &&
    timestamps.length === 1 &&
    TIMESTAMP.test(timestamp) &&
    signatures.length > 0 &&
    signatures.length <= SIGNATURES_MAX &&
    signatures.every((signature) => SIGNATURE.test(signature));
  if (!isWellFormed) return undefined;
  return { timestamp, signatures: signatures.map((signature) => Buffer.from(signature, 'hex')) };
}

function valuesOf(items: readonly string[], scheme: string): string[] {
  const prefix = `${scheme}=`;
  return items.filter((item) => item.startsWith(prefix)).map((item) => item.slice(prefix.length));
}
