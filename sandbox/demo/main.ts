import { startStack } from '../stack.ts';
import { observe } from './observer.ts';
import { tellStory } from './story.ts';
import { createTimeline, DemoFailed } from './timeline.ts';
import { DEMO_DUNNING_POLICY } from './unpaid-renewal.ts';

/** A demo that hangs is a demo that failed. */
const STORY_LIMIT_MS = 120_000;

const print = (line: string) => process.stdout.write(`${line}\n`);

print('tenantry demo: everything runs on this machine, nothing is real but the code.\n');
const stack = await startStack({
  ui: true,
  env: { DUNNING_POLICY_FILE: DEMO_DUNNING_POLICY },
  log: print,
});
print(`
  Temporal UI    ${stack.temporal.uiUrl}
  Gateway API    ${stack.gatewayUrl}/docs
  Stripe (sim.)  ${stack.simulator.url}/
  Mails          ${stack.mail.url}
  (they end with the demo; \`npm run dev\` stays up)`);
// Until here an interruption simply ends the process, and the guardians what it started.
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort(signal));
const observer = observe(stack.postgres.url);
try {
  const story = tellStory({ stack, observer, timeline: createTimeline(print) });
  await Promise.race([story, failWhen(interrupted.signal, AbortSignal.timeout(STORY_LIMIT_MS))]);
  print('\nAll numbers are right.');
} catch (error) {
  process.exitCode = 1;
  print(`\nThe demo failed: ${error instanceof DemoFailed ? error.message : String(error)}`);
  for (const part of [stack.gateway, stack.worker])
    print([`\nLast lines of ${part.name}:`, ...part.output().slice(-15)].join('\n  '));
} finally {
  await observer.close();
  await stack.close();
}

async function failWhen(...signals: AbortSignal[]): Promise<never> {
  const signal = AbortSignal.any(signals);
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  throw new DemoFailed(
    interrupted.signal.aborted ? 'interrupted' : `the story took longer than ${STORY_LIMIT_MS / 1000} s`,
  );
}
