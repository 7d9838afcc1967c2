import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import Stripe from 'stripe';
import { expect, test } from 'vitest';
import {
  prepareWebhookKeys,
  readSignature,
  signatureHeader,
  verifySignature,
} from '../../stripe/signature.ts';

const NOW_S = 1_800_000_000;
const BODY = Buffer.from('{"id":"evt_1","object":"event"}');
const KEYS = prepareWebhookKeys({ snapshot: ['whsec_new', 'whsec_old'], thin: ['whsec_thin'] });

const sign = (secret: string, body = BODY, timestamp: number | string = NOW_S) =>
  createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex');
const header = (secret: string, timestamp = NOW_S) => `t=${timestamp},v1=${sign(secret, BODY, timestamp)}`;
const verify = (text: string | string[] | undefined, body = BODY, keys = KEYS) => {
  const reading = readSignature({ header: text, nowS: NOW_S });
  return 'refused' in reading ? reading : verifySignature(reading.claimed, body, keys);
};
const reasonOf = (text: string | string[] | undefined, body = BODY) => {
  const verdict = verify(text, body);
  if ('refused' in verdict) return verdict.refused;
  return verdict.verified ? 'verified' : verdict.reason;
};

test('what stripe-node signs is accepted', () => {
  const text = new Stripe('sk_test_x').webhooks.generateTestHeaderString({
    payload: BODY.toString(),
    secret: 'whsec_new',
    timestamp: NOW_S,
  });
  expect(verify(text)).toEqual({ verified: true, kinds: ['snapshot'] });
});

test('what we sign as Stripe does is accepted, by us and by stripe-node', () => {
  const text = signatureHeader(BODY.toString(), { secret: 'whsec_thin', nowS: NOW_S });
  expect(verify(text)).toEqual({ verified: true, kinds: ['thin'] });
  const { webhooks } = new Stripe('sk_test_x');
  const accepted = webhooks.constructEvent(BODY, text, 'whsec_thin', undefined, undefined, NOW_S * 1000);
  expect(accepted.id).toBe('evt_1');
});

test('every configured secret is good, and the verdict tells which kind of events it is for', () => {
  expect(verify(header('whsec_old'))).toEqual({ verified: true, kinds: ['snapshot'] });
  expect(verify(header('whsec_thin'))).toEqual({ verified: true, kinds: ['thin'] });
  const both = prepareWebhookKeys({ snapshot: ['whsec_b'], thin: ['whsec_b'] });
  expect(verify(header('whsec_b'), BODY, both)).toEqual({
    verified: true,
    kinds: ['snapshot', 'thin'],
  });
});

test('during a rotation one good v1 among several is enough, wherever it stands', () => {
  const bad = 'a'.repeat(64);
  expect(reasonOf(`t=${NOW_S},v1=${bad},v1=${sign('whsec_old')},v0=zz`)).toBe('verified');
  expect(reasonOf(`v1=${sign('whsec_old')}, v1=${bad}, t=${NOW_S}`)).toBe('verified');
});

test('a header that was split in two is whole again once Node has joined it', () => {
  expect(reasonOf(`t=${NOW_S}, v1=${sign('whsec_new')}`)).toBe('verified');
});

test('v0 never counts', () => {
  expect(reasonOf(`t=${NOW_S},v0=${sign('whsec_new')}`)).toBe('signature_malformed');
  expect(reasonOf(`t=${NOW_S},v1=${'0'.repeat(64)},v0=${sign('whsec_new')}`)).toBe('signature_mismatch');
});

test('the tolerance is 300 s in both directions', () => {
  for (const distance of [-300, 300])
    expect(reasonOf(header('whsec_new', NOW_S + distance))).toBe('verified');
  for (const distance of [-301, 301, 31_536_000]) {
    expect(reasonOf(header('whsec_new', NOW_S + distance))).toBe('timestamp_outside_tolerance');
  }
});

test.each([
  ['no header', undefined, 'signature_missing'],
  ['an empty header', '', 'signature_missing'],
  ['two headers', [header('whsec_new'), header('whsec_new')], 'signature_malformed'],
  ['two headers, joined by Node', `${header('whsec_new')}, ${header('whsec_new')}`, 'signature_malformed'],
  ['no timestamp', `v1=${sign('whsec_new')}`, 'signature_malformed'],
  ['two timestamps', `t=1,${header('whsec_new')}`, 'signature_malformed'],
  ['a fractional timestamp', `t=${NOW_S}.5,v1=${sign('whsec_new')}`, 'signature_malformed'],
  ['a hexadecimal timestamp', `t=0x6b49d200,v1=${sign('whsec_new')}`, 'signature_malformed'],
  ['an endless timestamp', `t=${'9'.repeat(13)},v1=${sign('whsec_new')}`, 'signature_malformed'],
  ['a signature that is too short', `t=${NOW_S},v1=${sign('whsec_new').slice(2)}`, 'signature_malformed'],
  ['17 signatures', `${header('whsec_new')}${`,v1=${'a'.repeat(64)}`.repeat(16)}`, 'signature_malformed'],
  ['an overlong header', `${header('whsec_new')},x=${'a'.repeat(4096)}`, 'signature_malformed'],
  ['another secret', header('whsec_unknown'), 'signature_mismatch'],
])('%s is refused', (_, text, reason) => {
  expect(reasonOf(text)).toBe(reason);
});

test('any changed byte of the body breaks the signature', () => {
  fc.assert(
    fc.property(fc.nat(BODY.length - 1), fc.integer({ min: 1, max: 255 }), (index, difference) => {
      const changed = Buffer.from(BODY);
      changed.writeUInt8(changed.readUInt8(index) ^ difference, index);
      expect(reasonOf(header('whsec_new'), changed)).toBe('signature_mismatch');
    }),
  );
});

test('no header makes it throw', () => {
  const pieces = fc.array(fc.constantFrom('t=', 'v1=', ',', '=', `${NOW_S}`, 'é', '\0', 'ff'));
  const headers = fc.oneof(
    fc.string(),
    pieces.map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(headers, (text) => {
      expect(reasonOf(text)).not.toBe('verified');
    }),
  );
});
