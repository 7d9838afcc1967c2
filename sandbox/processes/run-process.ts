import { ProcessFailed, type ProcessOptions, startProcess } from './start-process.ts';

/**
 * Runs a program that ends by itself, under the same guard as a server.
 *
 * @throws ProcessFailed with its last lines when it can't be started or ends with another code than 0
 */
export async function runProcess(options: Omit<ProcessOptions, 'readyWhen' | 'readyLimitMs'>): Promise<void> {
  const program = await startProcess(options);
  const { code, signal } = await program.exited;
  if (code !== 0) throw new ProcessFailed(`${options.name} failed (${code ?? signal})`, program.output());
}
