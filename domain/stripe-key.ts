/** Is a secret or restricted key one of live mode? Stripe tells it by the key's prefix. */
export function isLiveKey(secretKey: string): boolean {
  return /^(sk|rk)_live_/.test(secretKey);
}
