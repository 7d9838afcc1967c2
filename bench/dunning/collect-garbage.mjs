import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

// Loaded into the worker's process before anything else, in each of its threads: what is garbage is no memory of a case, and
// Node collects none while it has nothing to do. SIGUSR2 collects it in all threads.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const channel = new BroadcastChannel('collect garbage');
channel.onmessage = () => collect();
channel.unref();
if (isMainThread) {
  process.on('SIGUSR2', () => {
    channel.postMessage('now');
    collect();
  });
}
