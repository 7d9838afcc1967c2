import type { SweepResult } from '../client/contract.ts';
import { activities } from './activities.ts';

/** Finds the events that nobody was woken for and wakes their subjects. A Temporal Schedule starts it. */
export async function sweepWebhookEventsWorkflow(): Promise<SweepResult> {
  return activities('Subjects with events that wait for too long').wakeDueSubjects();
}
