import type { ControlChannel } from './channel.ts';

export interface EventControl {
  /** Writes and delivers an event of any type about any object. @returns the event */
  emitEvent(event: { type: string; object: Readonly<Record<string, unknown>> }): Promise<{ id: string }>;
}

export function eventDriver({ post }: ControlChannel): EventControl {
  return { emitEvent: (event) => post('events', event) };
}
