import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

const FOLDER = fileURLToPath(new URL('./histories', import.meta.url));

/** The proto of a history, as the client fetches it. */
export type History = Parameters<typeof historyToJSON>[0];
export type KeptHistory = { version: string; scenario: string; workflowId: string; history: unknown };

/**
 * Keeps a history under the version that recorded it.
 *
 * @throws Error when that version has this scenario already: what was released is never replaced
 */
export async function keepHistory(kept: {
  version: string;
  scenario: string;
  workflowId: string;
  history: History;
  force: boolean;
}): Promise<void> {
  const folder = join(FOLDER, kept.version);
  await mkdir(folder, { recursive: true });
  const content = { workflowId: kept.workflowId, history: withoutMachine(historyToJSON(kept.history)) };
  await writeFile(join(folder, `${kept.scenario}.json`), `${JSON.stringify(content, null, 1)}\n`, {
    flag: kept.force ? 'w' : 'wx',
  });
}

/** Replay reads neither stack traces nor identities, which tell about the machine that recorded. */
function withoutMachine(json: string): unknown {
  const anonymous = json.replaceAll(/\d+@[\w.-]+/g, 'recorder');
  return JSON.parse(anonymous, (key, value) => (key === 'stackTrace' ? undefined : value));
}

/** All histories that were ever kept. */
export async function keptHistories(): Promise<KeptHistory[]> {
  const kept: KeptHistory[] = [];
  for (const version of (await readdir(FOLDER)).sort()) {
    for (const file of (await readdir(join(FOLDER, version))).sort()) {
      const content = JSON.parse(await readFile(join(FOLDER, version, file), 'utf8'));
      kept.push({ version, scenario: file.replace(/\.json$/, ''), ...content });
    }
  }
  return kept;
}
