import { createHmac } from 'node:crypto';
import { SNAPSHOT_SECRET, signature } from '../fake-gateway.ts';
import { ROTATED_SECRET } from '../listening-gateway.ts';
import { rawRequest } from '../raw-http.ts';
import { type BadInputRow, eventText, NOTHING, RECEIVED } from './row.ts';

const BODY = Buffer.from(eventText());
const WRONG = 'f'.repeat(64);
/** Well beyond the tolerance of 300 s, whatever the two clocks do meanwhile. */
const TOO_FAR_S = 310;
const NEAR_S = 290;

/** The hexadecimal digits of a good signature. */
function mac(nowS: number, secret = SNAPSHOT_SECRET, body: string | Buffer = BODY): string {
  return signature(body, secret, nowS).split('v1=')[1] ?? '';
}

type Header = string | readonly string[];
/** What the `Stripe-Signature` header says (each header, if there are several), and why that is refused. */
type SignatureCase = readonly [input: string, header: (nowS: number) => Header, reason?: string];

const CASES: readonly SignatureCase[] = [
  ['no signature', () => [], 'signature_missing'],
  ['an empty signature', () => '', 'signature_missing'],
  ['a garbled signature', () => 'qwertyuiop', 'signature_malformed'],
  ['a signature of commas and equal signs', () => ',=,,==,t,v1,', 'signature_malformed'],
  ['a signature in bytes that are no ASCII', (now) => `t=${now},v1=\u00e9\u00ff`, 'signature_malformed'],
  ['a signature without v1', (now) => `t=${now}`, 'signature_malformed'],
  ['a signature without t', (now) => `v1=${mac(now)}`, 'signature_malformed'],
  ['a signature with only v0', (now) => `t=${now},v0=${mac(now)}`, 'signature_malformed'],
  ['a good v1 beside a v0', (now) => `t=${now},v1=${mac(now)},v0=${WRONG}`],
  ['a good v1 after a wrong one', (now) => `t=${now},v1=${WRONG},v1=${mac(now)}`],
  ['a good v1 as the last of 16', (now) => `t=${now},${`v1=${WRONG},`.repeat(15)}v1=${mac(now)}`],
  ['a v1 too many', (now) => `t=${now},${`v1=${WRONG},`.repeat(16)}v1=${mac(now)}`, 'signature_malformed'],
  ['v1 in capital letters', (now) => `t=${now},v1=${mac(now).toUpperCase()}`, 'signature_malformed'],
  ['v1 a digit short', (now) => `t=${now},v1=${mac(now).slice(1)}`, 'signature_malformed'],
  ['v1 a digit long', (now) => `t=${now},v1=${mac(now)}0`, 'signature_malformed'],
  ['an empty v1', (now) => `t=${now},v1=`, 'signature_malformed'],
  ['v1 in base64', (now) => `t=${now},v1=${base64(mac(now))}`, 'signature_malformed'],
  ['a SHA-512', (now) => `t=${now},v1=${mac(now)}${mac(now)}`, 'signature_malformed'],
  ['two different t', (now) => `t=${now - 1},t=${now},v1=${mac(now)}`, 'signature_malformed'],
  ['the same t twice', (now) => `t=${now},t=${now},v1=${mac(now)}`, 'signature_malformed'],
  ['t in milliseconds', (now) => `t=${now}000,v1=${mac(now)}`, 'signature_malformed'],
  ['a negative t', (now) => `t=-${now},v1=${mac(now)}`, 'signature_malformed'],
  ['t as a power of ten', (now) => `t=1e9,v1=${mac(now)}`, 'signature_malformed'],
  ['semicolons for commas', (now) => `t=${now};v1=${mac(now)}`, 'signature_malformed'],
  ['spaces after commas', (now) => `t=${now}, v1=${mac(now)}`],
  ['spaces around equal signs', (now) => `t = ${now},v1 = ${mac(now)}`, 'signature_malformed'],
  ['the header twice', (now) => Array(2).fill(signature(BODY, SNAPSHOT_SECRET, now)), 'signature_malformed'],
  ['the header in two halves', (now) => [`t=${now}`, `v1=${mac(now)}`]],
  [
    'a header of 5,000 characters',
    (now) => `t=${now},v1=${mac(now)},${'x'.repeat(5_000)}`,
    'signature_malformed',
  ],
  [
    'a signature that is old',
    (now) => signature(BODY, SNAPSHOT_SECRET, now - TOO_FAR_S),
    'timestamp_outside_tolerance',
  ],
  [
    'a signature from the future',
    (now) => signature(BODY, SNAPSHOT_SECRET, now + TOO_FAR_S),
    'timestamp_outside_tolerance',
  ],
  [
    'a signature of the year 33658',
    () => signature(BODY, SNAPSHOT_SECRET, 999_999_999_999),
    'timestamp_outside_tolerance',
  ],
  ['a signature that is nearly old', (now) => signature(BODY, SNAPSHOT_SECRET, now - NEAR_S)],
  ['a signature from the near future', (now) => signature(BODY, SNAPSHOT_SECRET, now + NEAR_S)],
  ['a wrong secret', (now) => signature(BODY, 'whsec_wrong', now), 'signature_mismatch'],
  [
    'the secret without its prefix',
    (now) => signature(BODY, SNAPSHOT_SECRET.slice(6), now),
    'signature_mismatch',
  ],
  ['the second of two secrets', (now) => signature(BODY, ROTATED_SECRET, now)],
  [
    'a v1 for each of two secrets',
    (now) => `t=${now},v1=${mac(now, 'whsec_old')},v1=${mac(now, ROTATED_SECRET)}`,
  ],
  ['a signature of another body', (now) => signature(`${BODY} `, SNAPSHOT_SECRET, now), 'signature_mismatch'],
  ['a signature of another time', (now) => `t=${now},v1=${mac(now - 1)}`, 'signature_mismatch'],
  ['a signature without its time', (now) => `t=${now},v1=${bodyAlone()}`, 'signature_mismatch'],
];

export const SIGNATURE_ROWS: readonly BadInputRow[] = CASES.map(([input, header, reason]) => ({
  input,
  send: (nowS) =>
    rawRequest({
      body: BODY,
      headers: [header(nowS)].flat().map((value) => ['stripe-signature', value] as const),
    }),
  answer: reason === undefined ? '200' : `400 ${reason}`,
  stored: reason === undefined ? RECEIVED : NOTHING,
}));

function base64(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}

function bodyAlone(): string {
  return createHmac('sha256', SNAPSHOT_SECRET).update(BODY).digest('hex');
}
