import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { programOnPath } from '../../processes/program-on-path.ts';

/** A Go module that pins the version of stripe-mock, and with it of the specification that comes along. */
export const stripeMockModuleFolder = fileURLToPath(new URL('stripe-mock-build', import.meta.url));
export const stripeMockPackage = 'github.com/stripe/stripe-mock';

const DOWNLOAD_LIMIT_MS = 300_000;

/** What to tell where no Go is installed. */
export const withoutGo = `Stripe's specification and stripe-mock come as a Go module (${stripeMockPackage}), and there is no \`go\` on PATH
  - install Go 1.22 or later (https://go.dev/dl); both are then fetched once and kept in the user's cache folder`;

/** The version that go.mod pins, such as `v0.203.0`. */
export function stripeMockVersion(): string {
  const module = readFileSync(join(stripeMockModuleFolder, 'go.mod'), 'utf8');
  const version = /github\.com\/stripe\/stripe-mock (v\S+)/.exec(module)?.[1];
  if (!version) throw new Error(`${stripeMockModuleFolder}/go.mod requires no ${stripeMockPackage}`);
  return version;
}

/**
 * The module's folder in Go's module cache, downloaded when it is not there.
 * @throws Error without Go, or when Go can't get it
 */
export async function stripeMockSources(): Promise<string> {
  const go = programOnPath('go');
  if (!go) throw new Error(withoutGo);
  const { stdout } = await promisify(execFile)(go, ['mod', 'download', '-json', stripeMockPackage], {
    cwd: stripeMockModuleFolder,
    timeout: DOWNLOAD_LIMIT_MS,
  });
  const { Dir: folder }: { Dir?: string } = JSON.parse(stdout);
  if (folder === undefined) throw new Error(`go mod download told no folder: ${stdout}`);
  return folder;
}
