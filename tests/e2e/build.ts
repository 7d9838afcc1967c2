import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** End-to-end tests run what production runs, so it is built first. */
export default async function build(): Promise<void> {
  await promisify(execFile)('npm', ['run', '--silent', 'build']);
}
