import { z } from 'zod';
import { noSuchInPath } from '../api/errors.ts';
import { listParameters, pageOfTable } from '../api/lists.ts';
import {
  boolean,
  clearableText,
  createdFilter,
  isCreatedWithin,
  mergeMetadata,
  metadata,
  sent,
  text,
} from '../api/parameters.ts';
import {
  changeDispute,
  closeDispute,
  type Dispute,
  disputeTable,
  evidenceTexts,
  openDispute,
} from '../billing/payments/charge-disputes.ts';
import { chargeTable } from '../billing/payments/charge-state.ts';
import { historyOf } from '../billing/payments/payment-method-state.ts';
import { behaviourOf } from '../billing/payments/payment-verdict.ts';
import { type Resource, route } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';

const written = clearableText.optional();
// Object.fromEntries forgets the names.
const evidence = Object.fromEntries(evidenceTexts.map((name) => [name, written])) as Record<
  (typeof evidenceTexts)[number],
  typeof written
>;
const updateParameters = z.strictObject({
  evidence: z.strictObject(evidence).optional(),
  metadata: metadata.optional(),
  submit: boolean.optional(),
});

/** Stripe's test evidence: what is written decides. */
const decidingTexts: Readonly<Record<string, 'won' | 'lost'>> = {
  winning_evidence: 'won',
  losing_evidence: 'lost',
};

function update(
  tx: Transaction,
  id: string,
  { evidence, metadata: change, submit = true }: z.infer<typeof updateParameters>,
): Dispute {
  const before = existing(tx, id);
  const isSubmitted = evidence !== undefined && submit;
  const updated = changeDispute(tx, before, {
    evidence: { ...before.evidence, ...sent(evidence ?? {}) },
    evidence_details: {
      ...before.evidence_details,
      has_evidence: before.evidence_details.has_evidence || evidence !== undefined,
      submission_count: before.evidence_details.submission_count + (isSubmitted ? 1 : 0),
    },
    metadata: mergeMetadata(before.metadata, change),
    ...(isSubmitted ? { status: 'under_review' } : {}),
  });
  const decision = isSubmitted ? decidingTexts[evidence.uncategorized_text ?? ''] : undefined;
  return decision ? closeDispute(tx, updated, decision) : updated;
}

/** A test card of a customer who disputes at once what is taken from them. */
function disputeWhenTaken(tx: Transaction, object: object): void {
  const charge = 'id' in object ? tx.get(chargeTable, String(object.id)) : undefined;
  if (!charge?.captured) return;
  const reason = behaviourOf(historyOf(tx, charge.payment_method)).dispute;
  if (reason) openDispute(tx, charge, reason);
}

function existing(tx: Transaction, id: string): Dispute {
  const dispute = tx.get(disputeTable, id);
  if (!dispute) throw noSuchInPath('dispute', id, 'dispute');
  return dispute;
}

/** A payment that the customer takes back through their bank. */
export const disputes: Resource = {
  object: 'dispute',
  keeps: 'amount, reason, evidence in writing, status; no balance transactions',
  expandable: { charge: 'charge', payment_intent: 'payment_intent' },
  find: (tx, id) => tx.get(disputeTable, id),
  reactions: { 'charge.captured': disputeWhenTaken, 'charge.succeeded': disputeWhenTaken },
  routes: [
    route({
      method: 'GET',
      path: '/v1/disputes/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => existing(tx, id),
    }),
    route({
      method: 'POST',
      path: '/v1/disputes/:id',
      parameters: updateParameters,
      differs: 'test evidence decides at once',
      handle: ({ tx, id, parameters }) => update(tx, id, parameters),
    }),
    route({
      method: 'POST',
      path: '/v1/disputes/:id/close',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => closeDispute(tx, existing(tx, id), 'lost'),
    }),
    route({
      method: 'GET',
      path: '/v1/disputes',
      parameters: z.strictObject({
        ...listParameters,
        charge: text.optional(),
        created: createdFilter,
        payment_intent: text.optional(),
      }),
      handle: ({ tx, parameters }) => {
        const { charge, payment_intent: intent } = parameters;
        const byCharge = charge === undefined ? undefined : { name: 'charge', key: charge };
        const byIntent = intent === undefined ? undefined : { name: 'payment_intent', key: intent };
        return pageOfTable(tx, {
          table: disputeTable,
          index: byCharge ?? byIntent,
          parameters,
          where: (row) =>
            isCreatedWithin(row.created, parameters.created) &&
            (intent === undefined || row.payment_intent === intent),
          render: (row) => row,
          url: '/v1/disputes',
        });
      },
    }),
  ],
};
