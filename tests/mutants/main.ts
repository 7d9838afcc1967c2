import { MUTANTS } from './mutants.ts';
import { runTests } from './run-tests.ts';
import { openWorkspace } from './workspace.ts';

/**
 * Takes one guarantee after the other away and shows which test turns red; 1 when one is missed by nobody. Arguments are
 * parts of mutants' names; without any, all are tried.
 */
const wanted = process.argv.slice(2);
const mutants = MUTANTS.filter(
  ({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
);
if (mutants.length === 0) throw new Error('no mutant has such a name');
const workspace = await openWorkspace();
const { folder } = workspace;
let survivors = 0;
try {
  const files = [...new Set(mutants.map(({ test }) => test))];
  const { passed, failed } = await runTests({ folder, files });
  if (failed.length > 0) throw new Error(['without any mutant these tests fail:', ...failed].join('\n  '));
  say(`without a mutant: ${passed} tests of ${files.length} files pass\n`);
  for (const { name, patches, test } of mutants) {
    const red = await workspace.patched(patches, () => runTests({ folder, files: [test] }));
    if (red.failed.length === 0) survivors += 1;
    say(`${red.failed.length === 0 ? 'SURVIVES' : 'caught'}  ${name}\n          ${test}`);
    for (const failure of red.failed) say(`          ✗ ${failure}`);
    say('');
  }
} finally {
  await workspace.remove();
}
say(`${mutants.length - survivors} of ${mutants.length} mutants are caught`);
process.exitCode = survivors === 0 ? 0 : 1;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
