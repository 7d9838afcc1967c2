import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityInboundCallsInterceptorFactory } from '@temporalio/worker';
import { toApplicationFailure } from '../activities/final-error.ts';

/** Every error of every activity passes here, so what is tried again is decided in one place. */
export const nameFailures: ActivityInboundCallsInterceptorFactory = (context) => ({
  async execute(input, next) {
    try {
      return await next(input);
    } catch (error) {
      if (error instanceof CancelledFailure || error instanceof ApplicationFailure) throw error;
      throw toApplicationFailure(error, context.info.attempt);
    }
  },
});
