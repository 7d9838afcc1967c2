import type { ImportCustomersInput, ImportProgress } from '../client/contract.ts';
import { adviceFor } from '../domain/failures.ts';

/** What an operator sees of an import in the Temporal UI, in Markdown: what it does, and how far it is. */
export function importDetails(
  input: ImportCustomersInput,
  progress: ImportProgress,
  failure: { type?: string | undefined | null; message: string } | undefined,
): string {
  const { phase, paused, done_share: share, estimated_end: end } = progress;
  const kind = input.proof_only ? 'proof' : input.apply ? 'import' : 'dry run of an import';
  const asked = [input.create_missing && 'missing tenants are made', input.tag && 'customers are tagged'];
  return [
    `**Customers: ${kind}**, ${phase}${paused ? ', paused by an operator' : ''}${
      share === null ? '' : `, ${Math.floor(share * 100)} %`
    }${end === null ? '' : `, until about ${end}`}`,
    asked.filter(Boolean).join(', '),
    [
      `- pages ${progress.pages}, subscriptions ${progress.subscriptions}, customers ${progress.customers}`,
      `- known ${progress.known}, linked ${progress.linked}, created ${progress.created}, conflicts ${progress.conflicts}, left ${progress.left}`,
      `- written ${progress.written}, tagged ${progress.tagged}`,
    ].join('\n'),
    failure ? `**${failure.type}**: ${failure.message}\n\n${adviceFor(failure.type ?? '')}` : '',
  ]
    .filter(Boolean)
    .join('\n\n');
}
