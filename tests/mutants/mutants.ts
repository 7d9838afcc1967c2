/** A place in the product, by text that stands there exactly once, and what it becomes. */
export type Patch = { file: string; text: string; becomes: string };

/** A guarantee taken away, and the quickest test that notices. */
export type Mutant = {
  name: string;
  patches: readonly Patch[];
  /** Of the project `rooms`. */
  test: string;
};

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'no unique key: an event that comes twice is stored twice',
    patches: [
      {
        file: 'db/migrations/0000_initial.sql',
        text: '\tCONSTRAINT "stripe_webhook_events_stripe_event_id_unique" UNIQUE("stripe_event_id"),\n',
        becomes: '',
      },
      { file: 'db/inbox.ts', text: '    on conflict (stripe_event_id) do nothing\n', becomes: '' },
    ],
    test: 'tests/webhook-gateway/inbox.test.ts',
  },
  {
    name: 'answer before commit: Stripe gets its 200 while the event is still on its way to Postgres',
    patches: [
      {
        file: 'webhook-gateway/routes/webhooks.ts',
        text: 'const answer = await inbox.store({ ...event, payload }, body.length);',
        becomes:
          "void inbox.store({ ...event, payload }, body.length);\n  const answer: StoreAnswer = { outcome: 'stored' };",
      },
    ],
    test: 'tests/webhook-gateway/webhooks.test.ts',
  },
  {
    name: 'no version fence: a late writer overwrites what a faster one wrote',
    patches: [
      {
        file: 'db/billing-projection.ts',
        text: 'if (owner.syncVersion !== snapshot.syncVersion) {',
        becomes: 'if (owner.syncVersion < 0) {',
      },
    ],
    test: 'tests/db/billing-projection.test.ts',
  },
  {
    name: 'the version is read after the fetch: what was written meanwhile counts as read, and is overwritten',
    patches: [
      {
        file: 'activities/billing-sync.ts',
        text: 'const applied = await apply(dependencies, { snapshot, events: pending.events, verdicts });',
        becomes:
          'const late = await customerState(dependencies.database, pending.customer);\n  const fenced = { ...snapshot, syncVersion: late?.syncVersion ?? 0 };\n  const applied = await apply(dependencies, { snapshot: fenced, events: pending.events, verdicts });',
      },
    ],
    test: 'tests/activities/billing-sync.test.ts',
  },
  {
    name: 'rows in the order of their arrival: two groups that share ids wait for each other',
    patches: [
      { file: 'db/inbox.ts', text: 'const sorted = rows.toSorted(byId);', becomes: 'const sorted = rows;' },
    ],
    test: 'tests/webhook-gateway/inbox.test.ts',
  },
  {
    name: 'random idempotency key: a retry is another write for Stripe',
    patches: [
      {
        file: 'stripe/write-once.ts',
        text: 'await options.write(key);',
        becomes: 'await options.write(crypto.randomUUID());',
      },
    ],
    test: 'tests/stripe/metadata.test.ts',
  },
  {
    name: 'counting additively: licences are added to what the tenant had',
    patches: [
      {
        file: 'db/billing-projection.ts',
        text: '[tenant, licenseCount(of, options.licensePrices)]',
        becomes: '[tenant, (before.get(tenant) ?? 0) + licenseCount(of, options.licensePrices)]',
      },
    ],
    test: 'tests/db/billing-projection.test.ts',
  },
  {
    name: 'no sweep: nobody looks for events whose wake was lost',
    patches: [
      {
        file: 'worker/setup-temporal.ts',
        text: '    await client.schedule.create(schedule);\n',
        becomes: '    void schedule;\n',
      },
    ],
    test: 'tests/worker/setup-temporal.test.ts',
  },
  {
    name: 'a sweep that finds nothing',
    patches: [
      {
        file: 'db/due-events.ts',
        text: "where status = 'received' and next_attempt_at <= now()\n      group by",
        becomes: "where status = 'failed' and next_attempt_at <= now()\n      group by",
      },
    ],
    test: 'tests/activities/webhook-events.test.ts',
  },
  {
    name: 'no warning: an effect comes at its time, whether it was announced or not',
    patches: [
      {
        file: 'domain/dunning.ts',
        text: "if (stage === undefined || announced === undefined || notice?.status !== 'sent') return null;",
        becomes:
          "if (stage === undefined || announced === undefined) return null;\n  if (notice?.status !== 'sent') return stage.dueAt;",
      },
    ],
    test: 'tests/activities/notices.test.ts',
  },
  {
    name: 'no last look: a notice goes out about an invoice that was just paid',
    patches: [
      {
        file: 'activities/notices.ts',
        text: "if (invoice?.status !== 'open') {",
        becomes: "if (invoice?.status === 'void') {",
      },
    ],
    test: 'tests/activities/notices.test.ts',
  },
  {
    name: 'a message for each try: who gets a notice twice sees it twice',
    patches: [
      {
        file: 'activities/notices.ts',
        text: 'mail.notificationId}@',
        becomes: 'crypto.randomUUID()}@',
      },
    ],
    test: 'tests/activities/notices.test.ts',
  },
  {
    name: 'payment waits for the case: access is withheld for as long as the case is open',
    patches: [
      {
        file: 'db/access.ts',
        text: 'and i.unpaid_since is not null and i.stripe_invoice_external_id',
        becomes: 'and i.stripe_invoice_external_id',
      },
    ],
    test: 'tests/activities/invoices.test.ts',
  },
  {
    name: 'replay by the subject alone: an event of the other mode is settled with our key',
    patches: [{ file: 'domain/event-replay.ts', text: "  'livemode_mismatch',\n", becomes: '' }],
    test: 'tests/domain/event-replay.test.ts',
  },
  {
    name: 'replay without a trace: nobody can tell who made an event pending again',
    patches: [
      {
        file: 'cli/commands/event-changes.ts',
        text: 'if (written.size > 0) await record(',
        becomes: 'if (written.size < 0) await record(',
      },
    ],
    test: 'tests/cli/events.test.ts',
  },
  {
    name: 'a repair that looks away: it takes the end of a run that began before for its own',
    patches: [
      {
        file: 'client/run-billing-sync.ts',
        text: '      await untilEnded(client, workflowId);',
        becomes: '      return (await client.workflow.getHandle(workflowId).result()) as BillingSyncResult;',
      },
    ],
    test: 'tests/cli/tenants.test.ts',
  },
  {
    name: 'a reconcile without patience: what events in the inbox will bring in line is told as drift',
    patches: [
      { file: 'activities/reconcile-stripe.ts', text: '        pending.has(customer) ||\n', becomes: '' },
    ],
    test: 'tests/activities/reconcile-drift.test.ts',
  },
  {
    name: 'a repair that believes itself: a difference is closed though our rows say the same as before',
    patches: [
      {
        file: 'activities/reconcile-stripe.ts',
        text: 'compared.filter((each) => each.differences.length === 0).map(',
        becomes: 'compared.map(',
      },
      {
        file: 'activities/reconcile-stripe.ts',
        text: 'snapshot.contact === null ? subjects : [...subjects, snapshot.customer];',
        becomes: '[...subjects, snapshot.customer];',
      },
    ],
    test: 'tests/activities/reconcile-drift.test.ts',
  },
  {
    name: 'a cursor that goes back: the slower of two reconciles has what the faster one read be read again',
    patches: [
      {
        file: 'db/reconcile.ts',
        text: 'readUntil: sql`greatest(',
        becomes: 'readUntil: sql`least(',
      },
    ],
    test: 'tests/activities/reconcile-events.test.ts',
  },
];
