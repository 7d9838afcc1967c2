import { patched, setCurrentDetails } from '@temporalio/workflow';
import type { SweepResult } from '../client/contract.ts';
import { activities } from './activities.ts';

/**
 * Finds the events and dunning cases that nobody was woken for and wakes them, and sends the mails that no workflow sends.
 * A Temporal Schedule starts it.
 */
export async function sweepWebhookEventsWorkflow(): Promise<SweepResult> {
  const swept = await activities('Subjects with events that are due').wakeDueSubjects();
  setCurrentDetails(describeSweep(swept));
  // Runs of 0.1.0 ended here.
  if (patched('sweep-dunning')) {
    const { woken } = await activities('Dunning cases that nobody was woken for').wakeDueDunning();
    const { sent } = await activities('Mails that no workflow sends').deliverDueNotices();
    Object.assign(swept, { dunning_woken: woken, notices_sent: sent });
    setCurrentDetails(describeSweep(swept));
  }
  return swept;
}

function describeSweep(swept: SweepResult): string {
  return `**Sweep** of what waited for too long

- subjects due ${swept.subjects}, woken ${swept.woken}, refused by Temporal ${swept.failed_wakes}
- events tried again after a failure: ${swept.retried_events}
- parked events whose customer is known by now: ${swept.parked_claimed}
- dunning cases woken: ${swept.dunning_woken ?? 0}, mails sent: ${swept.notices_sent ?? 0}`;
}
