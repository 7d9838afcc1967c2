import { type Client, WorkflowFailedError } from '@temporalio/client';
import { SingleBar } from 'cli-progress';
import { QUERIES } from '../client/contract.ts';
import { isTemporalAway, TemporalUnavailable } from '../client/temporal-unavailable.ts';
import { Refused } from './exit-codes.ts';
import { INTERRUPTED, orInterrupted } from './interruption.ts';
import type { Output } from './output.ts';

const LOOK_EVERY_MS = 1_000;
const BAR_STEPS = 1_000;

/** How far a run is, for people. `share` from 0 to 1, or null when nobody can say. */
export type Progress = { says: string; share: number | null };

/**
 * Waits for a run that goes on in the workers, and shows meanwhile how far it is: as a bar on a terminal, otherwise as a line
 * for each change.
 *
 * @param options.read makes of the run's answer to the query `progress` what is shown
 * @param options.again the command that attaches to it again
 * @returns the run's result; undefined when Ctrl-C detached from it
 * @throws Refused when the run failed
 * @throws TemporalUnavailable when Temporal is away for longer than the SDK tries
 */
export async function attach<Answer, Result>(options: {
  client: Client;
  run: { workflowId: string; runId: string };
  output: Output;
  read: (answer: Answer) => Progress;
  again: string;
}): Promise<Result | undefined> {
  const { client, run, output, again } = options;
  const handle = client.workflow.getHandle(run.workflowId, undefined, { firstExecutionRunId: run.runId });
  const show = shown(output);
  const result: Promise<Result> = handle.result();
  const watch = setInterval(() => {
    // Without an answer (no worker, a run that is just over) there is nothing new to show.
    handle.query<Answer>(QUERIES.progress).then(
      (answer) => show.progress(options.read(answer)),
      () => undefined,
    );
  }, LOOK_EVERY_MS);
  try {
    const answer = await orInterrupted(result);
    if (answer !== INTERRUPTED) return answer;
    show.end();
    output.note(`It goes on without you. To attach again: ${again}`);
    return undefined;
  } catch (error) {
    if (isTemporalAway(error)) {
      const says = `Temporal does not answer any more; ${run.workflowId} goes on when it is back.`;
      throw new TemporalUnavailable(`${says} To attach again: ${again}`, { cause: error });
    }
    if (!(error instanceof WorkflowFailedError)) throw error;
    const cause = error.cause;
    throw new Refused(`${run.workflowId} failed: ${cause?.message ?? error.message}`);
  } finally {
    clearInterval(watch);
    show.end();
  }
}

function shown(output: Output): { progress(progress: Progress): void; end(): void } {
  if (!process.stderr.isTTY) {
    let said = '';
    return {
      progress: ({ says }) => {
        if (says !== said) output.note(says);
        said = says;
      },
      end: () => undefined,
    };
  }
  const bar = new SingleBar({
    format: '{bar} {percentage} % {says}',
    stream: process.stderr,
    hideCursor: true,
  });
  let isStarted = false;
  return {
    progress: ({ says, share }) => {
      if (!isStarted) bar.start(BAR_STEPS, 0, { says });
      isStarted = true;
      bar.update(Math.floor((share ?? 0) * BAR_STEPS), { says });
    },
    end: () => {
      if (isStarted) bar.stop();
      isStarted = false;
    },
  };
}
