import { setCurrentDetails } from '@temporalio/workflow';
import type { SweepResult } from '../client/contract.ts';
import { activities } from './activities.ts';

/** Finds the events that nobody was woken for and wakes their subjects. A Temporal Schedule starts it. */
export async function sweepWebhookEventsWorkflow(): Promise<SweepResult> {
  const swept = await activities('Subjects with events that are due').wakeDueSubjects();
  setCurrentDetails(describeSweep(swept));
  return swept;
}

function describeSweep(swept: SweepResult): string {
  return `**Sweep** of events that waited for too long

- subjects due ${swept.subjects}, woken ${swept.woken}, refused by Temporal ${swept.failed_wakes}
- events tried again after a failure: ${swept.retried_events}
- parked events whose customer is known by now: ${swept.parked_claimed}`;
}
