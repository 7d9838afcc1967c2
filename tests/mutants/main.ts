import { MUTANTS } from './mutants.ts';
import { runTests } from './run-tests.ts';
import { openWorkspace } from './workspace.ts';

/** Takes one guarantee after the other away and shows which test turns red; 1 when one is missed by nobody. */
const workspace = await openWorkspace();
const { folder } = workspace;
let survivors = 0;
try {
  const files = [...new Set(MUTANTS.map(({ test }) => test))];
  const { passed, failed } = await runTests({ folder, files });
  if (failed.length > 0) throw new Error(['without any mutant these tests fail:', ...failed].join('\n  '));
  say(`without a mutant: ${passed} tests of ${files.length} files pass\n`);
  for (const { name, patches, test } of MUTANTS) {
    const red = await workspace.patched(patches, () => runTests({ folder, files: [test] }));
    if (red.failed.length === 0) survivors += 1;
    say(`${red.failed.length === 0 ? 'SURVIVES' : 'caught'}  ${name}\n          ${test}`);
    for (const failure of red.failed) say(`          ✗ ${failure}`);
    say('');
  }
} finally {
  await workspace.remove();
}
say(`${MUTANTS.length - survivors} of ${MUTANTS.length} mutants are caught`);
process.exitCode = survivors === 0 ? 0 : 1;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
