/** What the process answers its caller with. */
export const EXIT_CODES = {
  done: 0,
  /** It failed, or was refused. */
  failed: 1,
  /** The command line itself is wrong; the usage stands on standard error. */
  usage: 2,
  /** Done, but there is something to look at: conflicts, drift, red findings. */
  findings: 3,
} as const;
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** What was asked for is not done, for a reason that the operator can do something about. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** The command line is wrong in a way that only the command itself sees; its usage is shown too. */
export class WrongUsage extends Error {
  override readonly name = 'WrongUsage';
}
