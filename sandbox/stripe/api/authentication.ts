import { apiKeyInvalid, apiKeyMissing } from './errors.ts';

/**
 * The API key of a request, from Bearer or Basic authentication (there the user's name is the key).
 * @throws StripeError 401 without a key, or for one that is neither a secret nor a restricted test key
 */
export function apiKeyOf(authorization: string | undefined): string {
  const [scheme, value = ''] = (authorization ?? '').split(' ');
  const key = scheme?.toLowerCase() === 'basic' ? userOf(value) : value;
  if (key === '') throw apiKeyMissing();
  if (!/^[rs]k_test_./.test(key)) throw apiKeyInvalid(key);
  return key;
}

function userOf(encoded: string): string {
  return Buffer.from(encoded, 'base64').toString('utf8').split(':')[0] ?? '';
}
