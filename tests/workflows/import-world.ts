import { Client } from '@temporalio/client';
import { afterAll, inject } from 'vitest';
import type { Activities, StripeActivities } from '../../activities/create-activities.ts';
import {
  type ImportCustomersInput,
  type ImportProgress,
  QUERIES,
  SEARCH_ATTRIBUTES,
  WORKFLOW_TYPES,
} from '../../client/contract.ts';
import { timeSkippingEnvironment } from '../../sandbox/temporal/time-skipping-environment.ts';
import type { importCustomersWorkflow } from '../../workflows/import-customers.ts';
import { runWorkers } from './start-workflows.ts';

type Difference = { subscription: string; customer: string };
type Call = { activity: string; input: unknown };

/** What an import meets: Stripe's list, the plan and the proof, in memory, each call recorded. */
export class ImportScene {
  readonly calls: Call[] = [];
  /** When each subscription was made, newest first. */
  created: number[] = [];
  pageSize = 2;
  /** Held pages come when this is resolved. */
  gate: Promise<void> = Promise.resolve();
  /** Subscriptions on which the two sides differ. */
  differing: Difference[] = [];
  /** Those that agree once they were read again; the others don't. */
  readonly settled = new Set<string>();
  toTag: { customer: string; tenant: string }[] = [];
  /** How many creations are under way at each look. */
  underWay: number[] = [];
  unknownProducts: string[] = [];
  /** Before the effect of an activity. */
  before: (call: Call) => void | Promise<void> = () => undefined;

  callsOf(activity: string): Call[] {
    return this.calls.filter((call) => call.activity === activity);
  }

  async did(activity: string, input: unknown): Promise<void> {
    const call = { activity, input };
    this.calls.push(call);
    await this.before(call);
  }
}

/** A test server and a worker with an import's activities for one test file; a scene for each test. */
export async function useImports() {
  const environment = await timeSkippingEnvironment({
    searchAttributes: Object.values(SEARCH_ATTRIBUTES),
    log: () => undefined,
  });
  let scene = new ImportScene();
  const taskQueue = crypto.randomUUID();
  const { stop } = await runWorkers({
    environment,
    bundle: { codePath: inject('workflowBundlePath') },
    activities: fakeActivities(() => scene),
    taskQueue,
    options: {},
  });
  afterAll(async () => {
    await stop();
    await environment.teardown();
  });
  // Its clock ticks: an import's run has no timers that are worth skipping.
  const client = new Client({ connection: environment.connection });
  return {
    client,
    newScene: (overrides: Partial<ImportScene> = {}) => {
      scene = Object.assign(new ImportScene(), overrides);
      return scene;
    },
    start: (input: ImportCustomersInput) =>
      client.workflow.start<typeof importCustomersWorkflow>(WORKFLOW_TYPES.importCustomers, {
        workflowId: `import-customers-${crypto.randomUUID()}`,
        taskQueue,
        args: [input],
      }),
    progressOf: (handle: { query: <T>(name: string) => Promise<T> }) =>
      handle.query<ImportProgress>(QUERIES.progress),
  };
}

function fakeActivities(scene: () => ImportScene): {
  main: Partial<Activities>;
  stripe: Partial<StripeActivities>;
} {
  const counts = () => ({
    customers: scene().created.length,
    outcomes: { known: 1, link: 2, create: 0, conflict: 1, left: 0 },
    applied: 3,
    written: 2,
    tagged: 0,
  });
  const stretch = () => ({ ...counts(), more: false });
  return {
    main: {
      beginImport: (input) => scene().did('beginImport', input),
      async matchCustomers(input) {
        await scene().did('matchCustomers', input);
        return stretch();
      },
      async unknownProducts(input) {
        await scene().did('unknownProducts', input);
        return scene()
          .unknownProducts.filter((product) => product > input.after)
          .slice(0, 2);
      },
      async applyCustomers(input) {
        await scene().did('applyCustomers', input);
        return stretch();
      },
      async createMissingTenants(input) {
        await scene().did('createMissingTenants', input);
        const under_way = scene().underWay.shift() ?? 0;
        return { ...stretch(), more: false, under_way };
      },
      async customersToTag(input) {
        await scene().did('customersToTag', input);
        return scene().toTag.slice(0, 3);
      },
      async recordTagged(input) {
        await scene().did('recordTagged', input);
        scene().toTag = scene().toTag.filter(({ customer }) => !input.customers.includes(customer));
        return counts();
      },
      async prove(input) {
        await scene().did('prove', input);
        const left = scene().differing.filter(({ subscription }) => !scene().settled.has(subscription));
        const differences = left
          .filter(({ subscription }) => subscription > input.after)
          .slice(0, 2)
          .map((each) => ({ ...each, stripe: 'active', ours: null }));
        const by_status = [
          { status: 'active', stripe: 9, ours: 9 - left.length, left_out: 0, differing: left.length },
        ];
        return { by_status, differences };
      },
      recordRunCommand: (input) => scene().did('recordRunCommand', input),
    },
    stripe: {
      async listForImport(input) {
        await scene().did('listForImport', input);
        await scene().gate;
        const { created, pageSize } = scene();
        const all = created.map((createdS, index) => ({ id: `sub_${index}`, createdS }));
        const matching = all.filter(({ createdS }) => createdS >= input.from && createdS < input.before);
        const start = input.after === null ? 0 : matching.findIndex(({ id }) => id === input.after) + 1;
        const page = matching.slice(start, start + pageSize);
        return {
          count: page.length,
          last: page.at(-1) ?? null,
          hasMore: start + pageSize < matching.length,
        };
      },
      async syncSubject(input) {
        await scene().did('syncSubject', input);
        return {
          processed: 0,
          ignored: 0,
          parked: 0,
          tenant: null,
          licensed_user_count: null,
          more: false,
        };
      },
      listAgain: (input) => scene().did('listAgain', input),
      tagImportedCustomer: (input) => scene().did('tagImportedCustomer', input),
    },
  };
}
