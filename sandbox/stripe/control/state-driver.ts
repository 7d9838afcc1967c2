import type { ControlChannel } from './channel.ts';

export interface StateControl {
  /** Forgets everything: objects, events, endpoints, keys, logs, faults; ids start again from the seed. */
  reset(): Promise<void>;
  /** Sets the simulator's time to the real one plus this, and does what is due then. */
  setTimeOffset(offsetMs: number): Promise<{ nowSeconds: number; offsetMs: number }>;
}

export function stateDriver({ post }: ControlChannel): StateControl {
  return {
    reset: () => post('reset'),
    setTimeOffset: (offsetMs) => post('time', { offsetMs }),
  };
}
