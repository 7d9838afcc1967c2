import type { DunnedCase } from '../activities/dunning.ts';
import type { DunningProgress } from '../client/contract.ts';
import { adviceFor } from '../domain/failures.ts';

const WAITING: Record<NonNullable<DunningProgress['waiting']>, string> = {
  next_stage: 'for the next stage',
  mail_server: 'for the mail server, which did not take the last notice',
  paused: 'because an operator paused it',
  processing: 'for a payment that is on its way',
  unreachable: 'for an operator',
};

/** What an operator sees of a run in the Temporal UI, in Markdown: how it stands, and what will happen when. */
export function dunningDetails(run: {
  workflowId: string;
  dunned: DunnedCase | null;
  waiting: DunningProgress['waiting'];
  failure: { type?: string | undefined | null; message: string } | undefined;
}): string {
  const { dunned, waiting, failure } = run;
  if (dunned === null) return '**Dunning**: nothing is unpaid';
  return [
    `**Dunning: ${dunned.state}**, access ${dunned.access}, follows ${dunned.invoice ?? 'nothing any more'}`,
    waiting === null
      ? ''
      : `Waits ${WAITING[waiting]}${dunned.paused_until ? ` until ${dunned.paused_until}` : ''}.`,
    whatToDo(run),
    failure ? `**${failure.type}**: ${failure.message}\n\n${adviceFor(failure.type ?? '')}` : '',
    calendarOf(dunned),
    `Policy ${dunned.policy_version}, case ${dunned.case_id}`,
  ]
    .filter(Boolean)
    .join('\n\n');
}

function whatToDo({
  workflowId,
  waiting,
}: {
  workflowId: string;
  waiting: DunningProgress['waiting'];
}): string {
  if (waiting !== 'unreachable') return '';
  const command = '{"actor":"<you>","reason":"<why>"}';
  return [
    '**Waits for an operator:** no address takes the notice, so nothing else is done. Correct the customer’s address in Stripe or the tenant’s, then send `resume`:',
    `\`\`\`\ntemporal workflow update execute --workflow-id ${workflowId} --name resume --input '${command}'\n\`\`\``,
  ].join('\n\n');
}

function calendarOf({ calendar }: DunnedCase): string {
  if (calendar.length === 0) return '';
  const rows = calendar.map(
    ({ at, stage, state, notice, effect, is_entered }) =>
      `| ${is_entered ? '✅' : ''} | ${at} | ${stage} | ${state} | ${notice ?? ''} | ${effect ?? ''} |`,
  );
  return ['| | when (UTC) | stage | state | notice | effect |', '|---|---|---|---|---|---|', ...rows].join(
    '\n',
  );
}
