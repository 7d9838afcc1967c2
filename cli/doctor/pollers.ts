import { ok, red, type Verdict } from './finding.ts';

/** A poll waits for up to a minute before it is renewed; Temporal goes on showing pollers for minutes after their last. */
const LAST_ACCESS_LIMIT_MS = 120_000;

export type QueueKind = 'workflow' | 'activity';
export type Poller = { lastAccess: Date };

/** As Temporal's API numbers them. */
export function queueTypeNumber(kind: QueueKind): number {
  return kind === 'workflow' ? 1 : 2;
}

/** @param queue.role what WORKER_ROLES calls the worker that polls it */
export function pollerFinding(
  queue: { name: string; kind: QueueKind; role: string },
  pollers: readonly Poller[],
  now: Date,
): Verdict {
  const alive = pollers.filter(
    ({ lastAccess }) => now.getTime() - lastAccess.getTime() <= LAST_ACCESS_LIMIT_MS,
  );
  const tasks = `${queue.kind} tasks of ${queue.name}`;
  if (alive.length > 0) return ok(`${alive.length} polling for ${tasks}.`);
  return red(
    `Nobody polls for ${tasks}.`,
    `Start a worker (npm run worker) whose WORKER_ROLES has ${queue.role}, with this TASK_QUEUE and namespace.`,
  );
}
