import { Client, Connection, type ScheduleDescription, ScheduleNotFoundError } from '@temporalio/client';
import { SCHEDULE_NAMES, SEARCH_ATTRIBUTES, scheduleId, stripeTaskQueue } from '../../client/contract.ts';
import { describeError } from '../error-text.ts';
import type { Environment } from './environment.ts';
import { ok, red, type Verdict } from './finding.ts';
import { type Poller, pollerFinding, type QueueKind, queueTypeNumber } from './pollers.ts';
import { type Prerequisite, prerequisite } from './prerequisite.ts';
import { type Check, NotLookedAt, Trouble } from './run-checks.ts';
import { scheduleFinding } from './schedules.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const CALL_TIMEOUT_MS = 5_000;
const DEFAULT_NAMESPACE = 'default';
/** gRPC status codes. */
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const UNIMPLEMENTED = 12;
/** `INDEXED_VALUE_TYPE_KEYWORD` of Temporal's API. */
const KEYWORD = 2;
const SETUP = 'npm run setup';

export type Temporal = {
  /** Connected, and the namespace is there. */
  server: Prerequisite<{ connection: Connection; client: Client; namespace: string }>;
  close(): Promise<void>;
};

export function connectTemporal({ value }: Environment): Temporal {
  let close = () => Promise.resolve();
  const server = prerequisite('Temporal doesn’t answer', async () => {
    const { connectionOptions, namespace = DEFAULT_NAMESPACE } = value('temporal');
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout: CONNECT_TIMEOUT_MS });
    close = () => connection.close();
    await within(connection, () => connection.workflowService.describeNamespace({ namespace }));
    return { connection, client: new Client({ connection, namespace }), namespace };
  });
  return { server, close: () => close() };
}

export function temporalChecks(
  temporal: Temporal,
  { value }: Environment,
): Record<'temporal' | 'search_attributes' | 'schedules' | 'pollers', Check> {
  return {
    temporal: async () => {
      try {
        const { namespace } = await temporal.server.examined();
        return [ok(`The namespace ${namespace} answers.`)];
      } catch (error) {
        if (error instanceof NotLookedAt) throw error;
        throw unreachable(error, value('temporal').namespace ?? DEFAULT_NAMESPACE);
      }
    },
    search_attributes: async () => {
      const { connection, namespace } = await temporal.server.needed();
      const { customAttributes } = await within(connection, () =>
        connection.operatorService.listSearchAttributes({ namespace }),
      ).catch((error: unknown) => {
        if (!isKeptBack(error)) throw error;
        throw new NotLookedAt('Temporal doesn’t let us list its search attributes');
      });
      return searchAttributeFindings(customAttributes ?? {});
    },
    schedules: async () => {
      const { connection, client } = await temporal.server.needed();
      const ids = SCHEDULE_NAMES.map((name) => scheduleId(name, value('TASK_QUEUE')));
      const described = await within(connection, () =>
        Promise.all(ids.map((id) => describeSchedule(client, id))),
      );
      return described.map((schedule, index) => scheduleFinding(ids[index] ?? '', schedule, new Date()));
    },
    pollers: async () => {
      const { connection, namespace } = await temporal.server.needed();
      const taskQueue = value('TASK_QUEUE');
      const stripe = stripeTaskQueue(taskQueue);
      const queues: { name: string; kinds: QueueKind[]; role: string }[] = [
        { name: taskQueue, kinds: ['workflow', 'activity'], role: 'workflows' },
        { name: stripe, kinds: ['activity'], role: 'stripe' },
      ];
      const asked = queues.flatMap(({ name, kinds, role }) => kinds.map((kind) => ({ name, kind, role })));
      return within(connection, () =>
        Promise.all(
          asked.map(async (queue) => {
            const { pollers } = await connection.workflowService.describeTaskQueue({
              namespace,
              taskQueue: { name: queue.name },
              taskQueueType: queueTypeNumber(queue.kind),
            });
            return pollerFinding(queue, (pollers ?? []).map(pollerOf), new Date());
          }),
        ),
      );
    },
  };
}

/** @param registered types by name, as Temporal's API numbers them */
export function searchAttributeFindings(registered: Readonly<Record<string, number>>): Verdict[] {
  const names = Object.values(SEARCH_ATTRIBUTES);
  const missing = names.filter((name) => !(name in registered));
  const wrong = names.filter((name) => name in registered && registered[name] !== KEYWORD);
  const findings: Verdict[] = [];
  if (missing.length > 0) findings.push(red(`Not registered: ${missing.join(', ')}.`, SETUP));
  if (wrong.length > 0) {
    const fix =
      'Remove them from the namespace (temporal operator search-attribute remove), then npm run setup.';
    findings.push(red(`Registered, but not as Keyword: ${wrong.join(', ')}.`, fix));
  }
  return findings.length > 0 ? findings : [ok('All are registered.')];
}

/** A server that others run may keep its operator service to itself. */
export function isKeptBack(error: unknown): boolean {
  return [PERMISSION_DENIED, UNIMPLEMENTED].includes(Number(Object(error).code));
}

async function describeSchedule(client: Client, id: string): Promise<ScheduleDescription | undefined> {
  try {
    return await client.schedule.getHandle(id).describe();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

function within<T>(connection: Connection, ask: () => Promise<T>): Promise<T> {
  return connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, ask);
}

function pollerOf(poller: { lastAccessTime?: { seconds?: unknown } | null }): Poller {
  return { lastAccess: new Date(Number(poller.lastAccessTime?.seconds ?? 0) * 1000) };
}

function unreachable(error: unknown, namespace: string): Trouble {
  if (error instanceof Error && 'code' in error && error.code === NOT_FOUND) {
    return new Trouble(
      `Temporal answers, but has no namespace ${namespace}.`,
      `temporal operator namespace create --namespace ${namespace}`,
    );
  }
  return new Trouble(
    `Temporal doesn’t answer: ${describeError(error)}`,
    'Start Temporal, or correct TEMPORAL_ADDRESS and the variables beside it.',
  );
}
