/** Wait before a receiver at which nobody answers is tried again. */
const pauseMs = 20;

/**
 * Which receivers nobody answers at. They get one delivery at a time, with pauses: refused connections by the thousand
 * would leave no time for requests.
 */
export class ReceiverReach {
  private readonly onPauseOver: () => void;
  /** The pause before the next delivery there; undefined once it is over. */
  private readonly unreached = new Map<string, NodeJS.Timeout | undefined>();

  constructor(onPauseOver: () => void) {
    this.onPauseOver = onPauseOver;
  }

  isUnreached(endpointId: string): boolean {
    return this.unreached.has(endpointId);
  }

  /** How many deliveries a receiver may get at a time, of at most `max`. */
  connectionsOf(endpointId: string, max: number): number {
    if (!this.unreached.has(endpointId)) return max;
    return this.unreached.get(endpointId) === undefined ? 1 : 0;
  }

  /** Takes in how an attempt went. */
  note(endpointId: string, isReached: boolean): void {
    clearTimeout(this.unreached.get(endpointId));
    if (isReached) {
      this.unreached.delete(endpointId);
      return;
    }
    const pause = setTimeout(() => {
      this.unreached.set(endpointId, undefined);
      this.onPauseOver();
    }, pauseMs);
    this.unreached.set(endpointId, pause);
  }

  clear(): void {
    for (const pause of this.unreached.values()) clearTimeout(pause);
    this.unreached.clear();
  }
}
