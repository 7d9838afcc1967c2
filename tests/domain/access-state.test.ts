import { expect, test } from 'vitest';
import { accessState } from '../../domain/access-state.ts';
import { isLive, SUBSCRIPTION_STATUSES, type SubscriptionStatus } from '../../domain/subscription.ts';

test.each<[string, SubscriptionStatus[], string]>([
  ['no subscription was ever known', [], 'active'],
  ['one is live', ['active'], 'active'],
  ['the only one was canceled', ['canceled'], 'canceled'],
  ['the only one was never paid', ['incomplete_expired'], 'canceled'],
  ['the first payment is still open', ['incomplete'], 'canceled'],
  ['all have ended', ['canceled', 'incomplete_expired', 'canceled'], 'canceled'],
  ['a new one is live after an old one ended', ['canceled', 'trialing'], 'active'],
  ['unpaid is still live: dunning decides about it', ['unpaid'], 'active'],
])('%s: %j is %s', (_name, statuses, state) => {
  expect(accessState(statuses, [])).toBe(state);
});

test('one live subscription is enough, wherever it stands', () => {
  for (const status of SUBSCRIPTION_STATUSES) {
    expect(accessState(['canceled', status, 'canceled'], [])).toBe(isLive(status) ? 'active' : 'canceled');
  }
});

test('the harshest of the dunning cases decides, wherever it stands, as long as a subscription is live', () => {
  expect(accessState(['past_due'], ['restricted', 'suspended', 'active'])).toBe('suspended');
  expect(accessState(['past_due'], ['active', 'restricted'])).toBe('restricted');
  expect(accessState(['active'], ['active'])).toBe('active');
  expect(accessState(['canceled'], ['suspended'])).toBe('canceled');
});
