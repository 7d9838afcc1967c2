import { join } from 'node:path';
import { onFreePort } from '../../processes/free-port.ts';
import { buildFromGoModules } from '../../processes/go-build.ts';
import { cacheFolder } from '../../processes/made-once.ts';
import type { Log } from '../../processes/progress.ts';
import { startProcess } from '../../processes/start-process.ts';
import {
  stripeMockModuleFolder,
  stripeMockPackage,
  stripeMockVersion,
  withoutGo,
} from './stripe-mock-module.ts';

/** Stripe's own stand-in: it keeps no state, and refuses every parameter that the specification does not know. */
export interface StripeMock {
  readonly url: string;
  /** Its last lines. */
  output(): readonly string[];
  close(): Promise<void>;
}

/**
 * Builds stripe-mock, once on this machine, and starts it on a free port of 127.0.0.1.
 * @throws Error without Go, or ProcessFailed when it can't be built or does not start
 */
export async function startStripeMock(log: Log): Promise<StripeMock> {
  const program = await buildFromGoModules({
    moduleFolder: stripeMockModuleFolder,
    packagePath: stripeMockPackage,
    target: join(cacheFolder(), `stripe-mock-${stripeMockVersion()}`),
    doing: 'stripe-mock: building it from its Go module (half a minute, once on this machine)',
    withoutGo,
    log,
  });
  return onFreePort(async (port) => {
    const mock = await startProcess({
      name: 'stripe-mock',
      run: { command: program },
      // It would listen for HTTPS on one fixed port as well, which two of them can't share.
      args: ['-http-addr', `127.0.0.1:${port}`, '-https-addr', '127.0.0.1:0'],
      readyWhen: { line: (line) => line.includes('Listening for HTTP') },
    });
    return {
      url: `http://127.0.0.1:${port}`,
      output: mock.output,
      async close() {
        await mock.stop();
      },
    };
  });
}
