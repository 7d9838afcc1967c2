import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Log } from './progress.ts';

const LINES_MAX = 200;

export type OutputLines = {
  /** The last 200 lines, oldest first. */
  last(): readonly string[];
  /** Reads both outputs of a child to their ends, line by line. */
  collect(child: ChildProcess, onLine: Log): void;
};

/** Keeps the last lines that the runs of one process have printed. */
export function keepOutputLines(): OutputLines {
  const lines: string[] = [];
  return {
    last: () => [...lines],
    collect(child, onLine) {
      for (const stream of [child.stdout, child.stderr]) {
        if (!stream) continue;
        createInterface({ input: stream }).on('line', (line) => {
          lines.push(line);
          if (lines.length > LINES_MAX) lines.shift();
          onLine(line);
        });
      }
    },
  };
}
