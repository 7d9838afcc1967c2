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

type SignatureRefusal =
  | 'signature_missing'
  | 'signature_malformed'
  | 'timestamp_outside_tolerance'
  | 'signature_mismatch';

export type SignatureVerdict =
  | { verified: true; kinds: readonly EventKind[] }
  | { verified: false; reason: SignatureRefusal };

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
 * Checks `Stripe-Signature: t=<unix seconds>,v1=<hex>[,v1=<hex>…]` over the body's bytes, before anything reads them.
 * Every v1 is tried against every key in constant time; other schemes, such as the v0 of test mode, are ignored.
 *
 * @param request.header as it came; several headers of that name are refused
 * @param request.nowS unix seconds; the timestamp may be 300 s away from it, past or future
 */
export function verifySignature(
  request: { header: string | readonly string[] | undefined; body: Buffer; nowS: number },
  keys: readonly WebhookKey[],
): SignatureVerdict {
  if (request.header === undefined || request.header === '') return refused('signature_missing');
  const parsed = parseHeader(request.header);
  if (parsed === undefined) return refused('signature_malformed');
  if (Math.abs(request.nowS - Number(parsed.timestamp)) > TOLERANCE_S) {
    return refused('timestamp_outside_tolerance');
  }
  for (const { key, kinds } of keys) {
    const expected = createHmac('sha256', key).update(`${parsed.timestamp}.`).update(request.body).digest();
    if (parsed.signatures.some((signature) => timingSafeEqual(signature, expected))) {
      return { verified: true, kinds };
    }
  }
  return refused('signature_mismatch');
}

function refused(reason: SignatureRefusal): SignatureVerdict {
  return { verified: false, reason };
}

type ParsedHeader = { timestamp: string; signatures: Buffer[] };

function parseHeader(header: string | readonly string[]): ParsedHeader | undefined {
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
