import type { ActivityInboundCallsInterceptorFactory } from '@temporalio/worker';

/** Well below the heartbeat timeout that workflows/activities.ts sets. */
const HEARTBEAT_INTERVAL_MS = 3_000;

/** Every activity that takes long says that its worker lives, so that a dead worker's work is soon done by another. */
export const beatHearts: ActivityInboundCallsInterceptorFactory = (context) => ({
  async execute(input, next) {
    const beat = setInterval(() => context.heartbeat(), HEARTBEAT_INTERVAL_MS);
    try {
      return await next(input);
    } finally {
      clearInterval(beat);
    }
  },
});
