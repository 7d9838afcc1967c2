import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { type Log, logToStderr, withProgress } from '../processes/progress.ts';
import { downloadedProgram, downloadFolder, downloadsArePossible } from './download.ts';
import { mavenTestServer } from './test-server.ts';

/** The SDK waits 5 s for the server to be up; several that start at once on a small machine may need longer. */
const START_ATTEMPTS_MAX = 6;
const START_PAUSE_MS = 500;
/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;

/**
 * Starts a Temporal test server whose clock jumps to the next timer while a result is awaited. The caller ends it with
 * `teardown()`. It has no Schedules and no listing. The server is the SDK's download, or Maven's where that is closed.
 *
 * @param options.searchAttributes names of search attributes of type Keyword to register
 * @throws Error when there is no server to start or it is not up after 6 attempts
 */
export async function timeSkippingEnvironment(
  options: { searchAttributes?: readonly string[]; log?: Log } = {},
): Promise<TestWorkflowEnvironment> {
  const { searchAttributes = [], log = logToStderr } = options;
  const environment = await withProgress({ log, doing: 'temporal: starting a time-skipping server' }, () =>
    startTestServer(log),
  );
  if (searchAttributes.length > 0) {
    await environment.connection.operatorService.addSearchAttributes({
      namespace: environment.namespace ?? 'default',
      searchAttributes: Object.fromEntries(searchAttributes.map((name) => [name, KEYWORD])),
    });
  }
  return environment;
}

type TestServer = NonNullable<
  NonNullable<Parameters<typeof TestWorkflowEnvironment.createTimeSkipping>[0]>['server']
>;

/** A download that is possible may fail all the same, at a proxy for example: then Maven's server is the next way. */
async function startTestServer(log: Log): Promise<TestWorkflowEnvironment> {
  const downloadDir = downloadFolder('test-server');
  if (downloadedProgram(downloadDir) ?? (await downloadsArePossible())) {
    await mkdir(downloadDir, { recursive: true });
    try {
      return await startEnvironment({ executable: { type: 'cached-download', downloadDir } });
    } catch (error) {
      if (downloadedProgram(downloadDir)) throw error;
      log(`temporal: no download (${error instanceof Error ? error.message : error})`);
    }
  }
  const { script, args } = await mavenTestServer(log);
  return startEnvironment({ executable: { type: 'existing-path', path: script }, extraArgs: args });
}

async function startEnvironment(server: TestServer): Promise<TestWorkflowEnvironment> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await TestWorkflowEnvironment.createTimeSkipping({ server });
    } catch (error) {
      if (attempt >= START_ATTEMPTS_MAX) throw error;
      await delay(START_PAUSE_MS);
    }
  }
}
