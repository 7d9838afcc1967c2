import { expect, it } from 'vitest';
import { snapshotEventTypes, thinEventTypes } from '../../../sandbox/stripe/state/event-types.ts';
import { knownEventTypes } from './conformance/known-event-types.ts';

it('the event types are those that stripe-node declares', () => {
  const { snapshot, thin } = knownEventTypes();
  expect([...snapshotEventTypes].sort()).toEqual([...snapshot].sort());
  expect([...thinEventTypes].sort()).toEqual([...thin.keys()].sort());
});
