import { CompleteAsyncError } from '@temporalio/activity';
import { Failure, type FailureName } from '../../domain/failures.ts';

/** What befalls one try of an activity: it decides whether and when the effect happens, and what is answered. */
export type Interruption = <T>(effect: () => T) => Promise<T>;

/** The try fails before anything happened. */
export function failBefore(name: FailureName): Interruption {
  return async () => {
    throw new Failure(name, 'Failed before its effect');
  };
}

/** It happens, but the try fails all the same. */
export function failAfter(name: FailureName): Interruption {
  return async (effect) => {
    effect();
    throw new Failure(name, 'Failed after its effect');
  };
}

/** It happens, but nobody hears of it, as when the worker dies: the server gives the try up at its limit. */
export function loseAnswer(): Interruption {
  return async (effect) => {
    effect();
    throw new CompleteAsyncError();
  };
}

export type Hold = {
  interruption: Interruption;
  /** Resolves when the try is there and has not had its effect. */
  reached: Promise<void>;
  release: () => void;
};

/**
 * Stops a try before its effect until it is released.
 * @param then - what befalls it then; without it, it succeeds
 */
export function hold(then: Interruption = async (effect) => effect()): Hold {
  const reached = gate();
  const released = gate();
  const interruption: Interruption = async (effect) => {
    reached.open();
    await released.opened;
    return then(effect);
  };
  return { interruption, reached: reached.opened, release: released.open };
}

function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}
