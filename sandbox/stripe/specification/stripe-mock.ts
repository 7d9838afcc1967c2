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
  readonly host: string;
  readonly port: number;
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
      args: ['-http-addr', `127.0.0.1:${port}`],
      readyWhen: { line: (line) => line.includes('Listening for HTTP') },
    });
    return {
      url: `http://127.0.0.1:${port}`,
      host: '127.0.0.1',
      port,
      async close() {
        await mock.stop();
      },
    };
  });
}
