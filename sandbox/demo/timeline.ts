/** The demo's output: what happens, with ids and the time since the start, and whether each number is right. */
export type Timeline = {
  chapter: (title: string) => void;
  event: (text: string) => void;
  /** @throws DemoFailed when they differ */
  check: (what: string, actual: unknown, expected: unknown) => void;
};

/** A number of the story is wrong. */
export class DemoFailed extends Error {
  override readonly name = 'DemoFailed';
}

export function createTimeline(print: (line: string) => void): Timeline {
  const startedAt = performance.now();
  const stamp = () => `${((performance.now() - startedAt) / 1000).toFixed(2).padStart(6)} s`;
  return {
    chapter: (title) => print(`\n${stamp()}  ── ${title}`),
    event: (text) => print(`${stamp()}     ${text}`),
    check: (what, actual, expected) => {
      if (actual !== expected) throw new DemoFailed(`${what}: expected ${expected}, got ${actual}`);
      print(`${stamp()}  ✓  ${what}: ${actual}`);
    },
  };
}
