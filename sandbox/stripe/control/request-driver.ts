import type { FaultInput } from '../api/faults.ts';
import type { RequestLimits } from '../api/request-limits.ts';
import type { ReceivedRequest } from '../api/request-log.ts';
import type { ControlChannel } from './channel.ts';

export interface RequestControl {
  /** Every API request received, oldest first. */
  requests(): Promise<readonly ReceivedRequest[]>;
  /** Strikes the next matching requests. */
  injectFault(fault: FaultInput): Promise<void>;
  clearFaults(): Promise<void>;
  /** From now on an account gets a 429 for what is above; null lifts the limit. */
  limitRequests(limits: RequestLimits): Promise<void>;
}

export function requestDriver({ get, post, remove }: ControlChannel): RequestControl {
  return {
    requests: () => get('requests'),
    injectFault: (fault) => post('faults', fault),
    clearFaults: () => remove('faults'),
    limitRequests: (limits) => post('request-limits', limits),
  };
}
