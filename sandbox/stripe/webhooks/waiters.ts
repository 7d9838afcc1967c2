/** Those who wait for a moment that somebody else announces. */
export class Waiters {
  private readonly waiting = new Set<() => void>();

  /** @returns true once the moment has come, false when the time was up before */
  wait(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (hasCome: boolean): void => {
        clearTimeout(timer);
        this.waiting.delete(come);
        resolve(hasCome);
      };
      const come = (): void => end(true);
      const timer = setTimeout(() => end(false), timeoutMs);
      this.waiting.add(come);
    });
  }

  /** The moment has come. */
  tell(): void {
    for (const come of [...this.waiting]) come();
  }
}
