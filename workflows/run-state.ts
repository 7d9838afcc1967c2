import { defineSearchAttributeKey } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';
import { SEARCH_ATTRIBUTES } from '../client/contract.ts';

const KEYS = {
  tenantId: defineSearchAttributeKey(SEARCH_ATTRIBUTES.tenantId, 'KEYWORD'),
  stripeCustomerId: defineSearchAttributeKey(SEARCH_ATTRIBUTES.stripeCustomerId, 'KEYWORD'),
  stripeSubscriptionId: defineSearchAttributeKey(SEARCH_ATTRIBUTES.stripeSubscriptionId, 'KEYWORD'),
  tenantryState: defineSearchAttributeKey(SEARCH_ATTRIBUTES.tenantryState, 'KEYWORD'),
};

/** What operators can search runs by; ids and states only, no personal data. */
export type RunState = { [key in keyof typeof KEYS]?: string | undefined };

/** Shows in the Temporal UI's search whom the run is about and how it stands; what is undefined is left as it is. */
export function showRunState(state: RunState): void {
  const names = Object.keys(KEYS) as (keyof typeof KEYS)[];
  upsertSearchAttributes(
    names.flatMap((name) => {
      const value = state[name];
      return value === undefined ? [] : [{ key: KEYS[name], value }];
    }),
  );
}
