import type { StepProgress, StepState } from '../client/contract.ts';
import { adviceFor } from '../domain/failures.ts';

export type RunPhase = 'running' | 'waiting' | 'completed' | 'failed' | 'canceled';

const MARKS: Record<StepState, string> = { done: '✅', running: '⏳', waiting: '✋', skipped: '➖' };

/** What an operator sees of a run in the Temporal UI, in Markdown: the steps, what it waits for, what to do. */
export function createTenantDetails(run: {
  workflowId: string;
  phase: RunPhase;
  steps: readonly StepProgress[];
  failure: { type?: string | undefined | null; message: string } | undefined;
}): string {
  const steps = run.steps.map(
    (step) => `- ${MARKS[step.state]} \`${step.name}\` ${step.state}${step.reason ? `: ${step.reason}` : ''}`,
  );
  return [`**Tenant creation: ${run.phase}**`, steps.join('\n'), whatToDo(run)].filter(Boolean).join('\n\n');
}

function whatToDo(run: Parameters<typeof createTenantDetails>[0]): string {
  if (run.failure)
    return `**${run.failure.type}**: ${run.failure.message}\n\n${adviceFor(run.failure.type ?? '')}`;
  if (run.phase === 'canceled') return 'Start it again under the same id to go on: it finds what is done.';
  const waiting = run.steps.find((step) => step.state === 'waiting');
  if (!waiting) return '';
  const command = `{"step":"${waiting.name}","actor":"<you>","reason":"<why>"}`;
  return [
    '**Waits for an operator.** Send the update `retry`, `amend` or `abandon`:',
    `\`\`\`\ntemporal workflow update execute --workflow-id ${run.workflowId} --name retry --input '${command}'\n\`\`\``,
  ].join('\n\n');
}
