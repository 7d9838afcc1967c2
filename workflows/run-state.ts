import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { SEARCH_ATTRIBUTES, searchAttributeKey } from '../client/contract.ts';

/** What operators can search runs by; ids and states only, no personal data. */
export type RunState = { [attribute in keyof typeof SEARCH_ATTRIBUTES]?: string | undefined };

/**
 * Shows in the Temporal UI's search whom the run is about and how it stands. What is undefined is left as it is, and
 * what the starter said already is not said again: each change is an event of the history.
 */
export function showRunState(state: RunState): void {
  const known = workflowInfo().typedSearchAttributes;
  const attributes = Object.keys(SEARCH_ATTRIBUTES) as (keyof typeof SEARCH_ATTRIBUTES)[];
  const changes = attributes.flatMap((attribute) => {
    const key = searchAttributeKey(attribute);
    const value = state[attribute];
    return value === undefined || value === known.get(key) ? [] : [{ key, value }];
  });
  if (changes.length > 0) upsertSearchAttributes(changes);
}
