import type { Dispatch } from './delivery.ts';

/** A line in which the front is taken off without moving the rest. */
interface Line {
  items: (Dispatch | undefined)[];
  front: number;
}

/** Taken places that a line may carry before it is cut. */
const spentMax = 1_000;

/**
 * Deliveries that wait for a free connection, a line for each receiver: one that hangs holds up no other.
 */
export class DeliveryQueue {
  private readonly lines = new Map<string, Line>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  add(dispatch: Dispatch): void {
    const { endpointId } = dispatch.shown;
    const line = this.lines.get(endpointId) ?? { items: [], front: 0 };
    this.lines.set(endpointId, line);
    line.items.push(dispatch);
    this.count++;
  }

  /** Takes the oldest delivery to a receiver off its line. */
  take(endpointId: string): Dispatch | undefined {
    const line = this.lines.get(endpointId);
    const next = line?.items[line.front];
    if (!line || !next) return undefined;
    line.items[line.front++] = undefined;
    this.count--;
    if (line.front === line.items.length) this.lines.delete(endpointId);
    else if (line.front > spentMax && line.front * 2 > line.items.length) {
      line.items = line.items.slice(line.front);
      line.front = 0;
    }
    return next;
  }

  /** The receivers for which something waits. */
  waitingFor(): readonly string[] {
    return [...this.lines.keys()];
  }

  clear(): void {
    this.lines.clear();
    this.count = 0;
  }
}
