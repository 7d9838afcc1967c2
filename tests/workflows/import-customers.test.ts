import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test, vi } from 'vitest';
import { IMPORT_UPDATES } from '../../client/contract.ts';
import { Failure } from '../../domain/failures.ts';
import { useImports } from './import-world.ts';

const { client, newScene, start, progressOf } = await useImports();
const ORDER = { actor: 'ada', reason: 'the shop has its sale' };

/** Seconds of creation over years, newest first. */
function years(count: number): number[] {
  const nowS = Math.floor(Date.now() / 1000);
  return Array.from({ length: count }, (_, index) => nowS - 1 - index * 40_000);
}

/** Something that is held until it is let go. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

const WAIT = { timeout: 40_000, interval: 10 };

describe('what is asked for is done, in this order', () => {
  test.each([
    ['a dry run lists and judges', {}, ['beginImport', 'listForImport', 'matchCustomers']],
    [
      'an import applies and proves',
      { apply: true },
      ['beginImport', 'listForImport', 'matchCustomers', 'unknownProducts', 'applyCustomers', 'prove'],
    ],
    [
      'with everything, tenants are made and customers tagged before the proof',
      { apply: true, create_missing: true, tag: true },
      [
        'beginImport',
        'listForImport',
        'matchCustomers',
        'unknownProducts',
        'applyCustomers',
        'createMissingTenants',
        'customersToTag',
        'prove',
      ],
    ],
    [
      'a proof alone writes nothing, even if more is asked for',
      { apply: true, create_missing: true, tag: true, proof_only: true },
      ['beginImport', 'listForImport', 'matchCustomers', 'prove'],
    ],
  ])('%s', async (_, input, expected) => {
    const scene = newScene({ created: years(2) });
    const handle = await start(input);
    const result = await handle.result();
    expect(scene.calls.map(({ activity }) => activity)).toEqual(expected);
    expect(result).toMatchObject({
      pages: 1,
      subscriptions: 2,
      customers: 2,
      known: 1,
      linked: 2,
      conflicts: 1,
    });
    expect(result.proof).toEqual(
      expected.includes('prove')
        ? { by_status: [expect.anything()], differences: 0, until: expect.any(String) }
        : null,
    );
    expect(await progressOf(handle)).toMatchObject({ phase: 'done', paused: false });
  });

  test('every unknown product is synced once before anything is applied, though one stays unknown', async () => {
    const scene = newScene({
      created: years(1),
      unknownProducts: ['prod_1', 'prod_2', 'prod_3', 'prod_4', 'prod_5'],
    });
    await (await start({ apply: true })).result();
    const synced = scene.callsOf('syncSubject').map(({ input }) => (input as { subject: string }).subject);
    expect(synced.sort()).toEqual(
      ['prod_1', 'prod_2', 'prod_3', 'prod_4', 'prod_5'].map((id) => `product:${id}`),
    );
    const order = scene.calls.map(({ activity }) => activity);
    expect(order.lastIndexOf('syncSubject')).toBeLessThan(order.indexOf('applyCustomers'));
  });

  test('creations under way are waited for', async () => {
    const scene = newScene({ created: years(1), underWay: [3, 3, 1] });
    await (await start({ apply: true, create_missing: true })).result();
    expect(scene.callsOf('createMissingTenants')).toHaveLength(4);
  });

  test.each([
    ['CustomerDeleted', 'The customer was deleted in Stripe'],
    ['StripeRequestRefused', 'Stripe answered 400, parameter metadata'],
  ] as const)(
    'I7 each customer is tagged under one key; one that is refused by %s stops nothing',
    async (name, says) => {
      const toTag = Array.from({ length: 7 }, (_, n) => ({ customer: `cus_${n}`, tenant: `t${n}` }));
      const scene = newScene({ created: years(1), toTag });
      scene.before = ({ activity, input }) => {
        if (activity === 'tagImportedCustomer' && (input as { customer: string }).customer === 'cus_3')
          throw new Failure(name, says);
      };
      const handle = await start({ apply: true, tag: true });
      const { listing } = await handle.result();
      const tags = scene.callsOf('tagImportedCustomer').map(({ input }) => input);
      expect(tags).toHaveLength(7);
      expect(tags).toEqual(expect.arrayContaining(toTag.map((each) => ({ ...each, key: `${listing}/tag` }))));
    },
  );
});

describe('pause and resume', () => {
  test('a pause stops new pages, a resume goes on; both are recorded with actor and reason', async () => {
    const held = gate();
    const scene = newScene({ created: years(60), gate: held.opened });
    const handle = await start({});
    await vi.waitUntil(() => scene.callsOf('listForImport').length > 0, WAIT);
    const paused = await handle.executeUpdate(IMPORT_UPDATES.pause, { args: [ORDER] });
    expect(paused).toMatchObject({ paused: true, phase: 'listing', estimated_end: null });
    held.open();
    await vi.waitUntil(async () => (await progressOf(handle)).pages === 1, WAIT);
    await expect(handle.executeUpdate(IMPORT_UPDATES.pause, { args: [ORDER] })).rejects.toThrow();
    expect(await progressOf(handle)).toMatchObject({ pages: 1, paused: true });
    expect(scene.callsOf('listForImport')).toHaveLength(1);
    expect(JSON.stringify(await handle.query('__temporal_workflow_metadata'))).toContain(
      'paused by an operator',
    );
    await handle.executeUpdate(IMPORT_UPDATES.resume, {
      args: [{ actor: 'bob', reason: 'the sale is over' }],
    });
    expect(await handle.result()).toMatchObject({ subscriptions: 60 });
    expect(scene.callsOf('recordRunCommand').map(({ input }) => input)).toEqual([
      {
        action: 'import pause',
        workflow_id: handle.workflowId,
        key: expect.stringContaining(`${handle.workflowId}/`),
        ...ORDER,
      },
      expect.objectContaining({ action: 'import resume', actor: 'bob', reason: 'the sale is over' }),
    ]);
  });

  test('a pause between two phases holds the next one', async () => {
    const held = gate();
    const scene = newScene({ created: years(1), gate: held.opened });
    const handle = await start({ apply: true });
    await vi.waitUntil(() => scene.callsOf('listForImport').length > 0, WAIT);
    await handle.executeUpdate(IMPORT_UPDATES.pause, { args: [ORDER] });
    held.open();
    await vi.waitUntil(async () => (await progressOf(handle)).phase === 'matching', WAIT);
    await expect(handle.executeUpdate(IMPORT_UPDATES.pause, { args: [ORDER] })).rejects.toThrow();
    expect(scene.callsOf('matchCustomers')).toEqual([]);
    await handle.executeUpdate(IMPORT_UPDATES.resume, { args: [ORDER] });
    await handle.result();
    expect(scene.callsOf('applyCustomers')).toHaveLength(1);
  });

  test('what makes no sense is refused and not recorded', async () => {
    const held = gate();
    const scene = newScene({ created: years(4), gate: held.opened });
    const handle = await start({});
    await vi.waitUntil(() => scene.callsOf('listForImport').length > 0, WAIT);
    const order = (name: string, args: unknown) => handle.executeUpdate(name, { args: [args] });
    await expect(order(IMPORT_UPDATES.resume, ORDER)).rejects.toMatchObject({
      cause: { type: 'InvalidInput', message: 'The import is not paused' },
    });
    for (const wrong of [{}, { actor: 'ada' }, { ...ORDER, actor: ' ' }, { ...ORDER, days: 3 }]) {
      await expect(order(IMPORT_UPDATES.pause, wrong)).rejects.toMatchObject({
        cause: { type: 'InvalidInput' },
      });
    }
    await order(IMPORT_UPDATES.pause, ORDER);
    await expect(order(IMPORT_UPDATES.pause, ORDER)).rejects.toMatchObject({
      cause: { message: 'The import is paused already' },
    });
    await order(IMPORT_UPDATES.resume, ORDER);
    held.open();
    await handle.result();
    expect(scene.callsOf('recordRunCommand')).toHaveLength(2);
  });
});

describe('the end of a run', () => {
  test.each([['listForImport'], ['matchCustomers'], ['applyCustomers'], ['prove']])(
    'a final failure of %s ends it as Failed, with the failure’s name and what to do',
    async (activity) => {
      const scene = newScene({ created: years(3) });
      scene.before = (call) => {
        if (call.activity === activity) throw new Failure('DatabaseRefused', 'Postgres refused a statement');
      };
      const handle = await start({ apply: true });
      await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'DatabaseRefused' } });
      expect((await handle.describe()).status.name).toBe('FAILED');
      const details = JSON.stringify(await handle.query('__temporal_workflow_metadata'));
      expect(details).toContain('**DatabaseRefused**: Postgres refused a statement');
      expect(scene.callsOf(activity)).toHaveLength(1);
    },
  );

  test.each([['listForImport'], ['applyCustomers']])(
    'cancelled in %s it ends as Cancelled',
    async (activity) => {
      const held = gate();
      const scene = newScene({ created: years(9) });
      scene.before = (call) => (call.activity === activity ? held.opened : undefined);
      const handle = await start({ apply: true });
      await vi.waitUntil(() => scene.callsOf(activity).length > 0, WAIT);
      await handle.cancel();
      await vi.waitUntil(async () => (await handle.describe()).status.name !== 'RUNNING', WAIT);
      held.open();
      expect((await handle.describe()).status.name).toBe('CANCELLED');
    },
  );

  test('cancelled while it is paused it ends as Cancelled', async () => {
    const held = gate();
    const scene = newScene({ created: years(9), gate: held.opened });
    const handle = await start({});
    await vi.waitUntil(() => scene.callsOf('listForImport').length > 0, WAIT);
    await handle.executeUpdate(IMPORT_UPDATES.pause, { args: [ORDER] });
    held.open();
    await vi.waitUntil(async () => (await progressOf(handle)).pages === 1, WAIT);
    await handle.cancel();
    await vi.waitUntil(async () => (await handle.describe()).status.name === 'CANCELLED', WAIT);
  });

  test('a page that Stripe cuts is asked for again, by the same cursor', async () => {
    const scene = newScene({ created: years(8) });
    let isFirst = true;
    scene.before = ({ activity }) => {
      if (activity !== 'listForImport' || !isFirst) return;
      isFirst = false;
      throw new Failure('StripeUnavailable', 'The answer was cut');
    };
    expect(await (await start({})).result()).toMatchObject({ subscriptions: 8 });
    const [first, second] = scene.callsOf('listForImport').map(({ input }) => input);
    expect(second).toEqual(first);
  });
});

test('an import of more pages than a run has goes on in the next one with all that it knows', async () => {
  const pages = 1_100;
  const scene = newScene({ created: years(pages), pageSize: 1 });
  const handle = await start({});
  const result = await handle.result();
  expect(result.subscriptions).toBe(pages);
  // Parts cost a page each for one of twelve.
  expect(result.pages).toBeLessThanOrEqual(pages * 1.1);
  const listings = new Set(
    scene.callsOf('listForImport').map(({ input }) => (input as { listing: string }).listing),
  );
  expect([...listings]).toEqual([`import/${handle.firstExecutionRunId}`]);
  expect(scene.callsOf('beginImport')).toHaveLength(1);
  const last = await client.workflow.getHandle(handle.workflowId).describe();
  expect(last.runId).not.toBe(handle.firstExecutionRunId);
}, 120_000);

describe('the proof', () => {
  const differing = Array.from({ length: 5 }, (_, n) => ({
    subscription: `sub_${n}`,
    customer: `cus_${n % 4}`,
  }));
  const subscriptionsOf = (calls: readonly { input: unknown }[]) =>
    calls.map(({ input }) => (input as { subscription: string }).subscription);

  test('I4 every difference is brought in line and read again; what settles then is none', async () => {
    const scene = newScene({ created: years(1), differing });
    scene.before = ({ activity, input }) => {
      if (activity === 'listAgain') scene.settled.add((input as { subscription: string }).subscription);
    };
    const { proof } = await (await start({ apply: true })).result();
    expect(proof?.differences).toBe(0);
    expect(subscriptionsOf(scene.callsOf('listAgain')).sort()).toEqual(
      differing.map((each) => each.subscription),
    );
    expect(scene.callsOf('syncSubject').map(({ input }) => input)).toContainEqual({
      subject: 'cus_1',
      only_pending: false,
    });
  });

  test('what stays different is looked at in five rounds, then counted', async () => {
    const scene = newScene({ created: years(1), differing });
    const { proof } = await (await start({ apply: true })).result();
    expect(proof).toMatchObject({ differences: 5 });
    for (const { subscription } of differing) {
      const looks = subscriptionsOf(scene.callsOf('listAgain')).filter((each) => each === subscription);
      expect(looks).toHaveLength(5);
    }
  });

  test('a proof alone reads every difference once, and brings nothing in line', async () => {
    const scene = newScene({ created: years(1), differing });
    const { proof } = await (await start({ proof_only: true })).result();
    expect(proof).toMatchObject({ differences: 5 });
    expect(subscriptionsOf(scene.callsOf('listAgain')).sort()).toEqual(
      differing.map((each) => each.subscription),
    );
    expect(scene.callsOf('syncSubject')).toEqual([]);
  });

  test('a customer that can’t be brought in line stays a difference, and does not end the run', async () => {
    const scene = newScene({ created: years(1), differing });
    scene.before = ({ activity, input }) => {
      if (activity === 'listAgain') scene.settled.add((input as { subscription: string }).subscription);
      if (activity === 'listAgain' && (input as { subscription: string }).subscription === 'sub_2')
        scene.settled.delete('sub_2');
      if (activity === 'syncSubject' && (input as { subject: string }).subject === 'cus_2')
        throw ApplicationFailure.nonRetryable('sub_2 is filed under another tenant', 'DatabaseRefused');
    };
    const { proof } = await (await start({ apply: true })).result();
    expect(proof).toMatchObject({ differences: 1 });
  });
});
