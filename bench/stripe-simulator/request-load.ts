import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);

const AUTOCANNON = 'bench/node_modules/autocannon/autocannon.js';
const OUTPUT_BYTES_MAX = 1_048_576;

/** One request, sent again and again over connections that stay open. */
export type RepeatedRequest = {
  method: 'GET' | 'POST';
  url: string;
  /** A form. */
  body?: string;
};

const resultSchema = z.object({
  requests: z.object({ average: z.number() }),
  latency: z.object({ p99: z.number() }),
  non2xx: z.number(),
  errors: z.number(),
});

/**
 * Runs the load generator as a process of its own.
 *
 * @throws Error when an answer was not 2xx
 */
export async function repeatRequest(
  request: RepeatedRequest,
  load: { connections: number; durationS: number },
): Promise<{ perSecond: number; p99Ms: number }> {
  const { method, url, body } = request;
  const form = ['--headers', 'content-type=application/x-www-form-urlencoded'];
  const { stdout } = await run(
    process.execPath,
    [
      AUTOCANNON,
      '--json',
      ...['--connections', String(load.connections), '--duration', String(load.durationS)],
      ...['--method', method, '--headers', 'authorization=Bearer sk_test_benchmark'],
      ...(body === undefined ? [] : [...form, '--body', body]),
      url,
    ],
    { maxBuffer: OUTPUT_BYTES_MAX },
  );
  const { requests, latency, non2xx, errors } = resultSchema.parse(JSON.parse(stdout));
  if (non2xx + errors > 0)
    throw new Error(`${method} ${url}: ${non2xx} answers were no success, ${errors} broke`);
  return { perSecond: requests.average, p99Ms: latency.p99 };
}
