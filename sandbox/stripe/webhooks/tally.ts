/** Counts by key; a key whose count is nothing is not there. */
export class Tally {
  private readonly counts = new Map<string, number>();

  of(key: string): number {
    return this.counts.get(key) ?? 0;
  }

  total(): number {
    let sum = 0;
    for (const count of this.counts.values()) sum += count;
    return sum;
  }

  keys(): readonly string[] {
    return [...this.counts.keys()];
  }

  add(key: string): void {
    this.counts.set(key, this.of(key) + 1);
  }

  subtract(key: string): void {
    const left = this.of(key) - 1;
    if (left > 0) this.counts.set(key, left);
    else this.counts.delete(key);
  }

  clear(): void {
    this.counts.clear();
  }
}
