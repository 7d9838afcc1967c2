import { existsSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

const { PRIORITY_LOW } = constants.priority;

/**
 * A child that leads a session of its own gets the processor when nobody else wants it. Linux may weigh sessions against
 * each other and a process's own priority only within its session (sched(7), «The autogroup feature»): both are set.
 * Where the system refuses (users may do so ten times a second), the child is only less polite.
 */
export function putIntoBackground(pid: number): void {
  const autogroup = `/proc/${pid}/autogroup`;
  try {
    setPriority(pid, PRIORITY_LOW);
    if (existsSync(autogroup)) writeFileSync(autogroup, String(PRIORITY_LOW));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}
