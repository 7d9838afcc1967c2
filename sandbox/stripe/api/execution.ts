import type { Route } from '../resource.ts';
import type { Simulation } from '../simulation.ts';
import { type Cause, runStep, type StepContext } from '../state/transaction.ts';
import { apiFailure, invalidRequest, StripeError } from './errors.ts';
import { expand } from './expand.ts';
import type { Fault } from './faults.ts';
import type { FormParameters } from './form.ts';

/** What came of a request whose parameters were taken. */
export interface Executed {
  readonly status: number;
  readonly body: string;
}

/**
 * Runs an endpoint in one step. Refusals from within are answers as well.
 * @throws StripeError for parameters that the endpoint refuses: then nothing has begun
 */
export function execute(
  simulation: Simulation,
  request: {
    route: Route;
    id: string;
    isV2: boolean;
    parameters: FormParameters;
    steps: StepContext;
    cause: Cause;
    fault: Fault | undefined;
  },
): Executed {
  const { fault } = request;
  const { paths, raw } = withoutExpansion(request.parameters, request.isV2);
  const handle = request.route.prepare(raw);
  try {
    if (fault?.kind === 'error_before') throw apiFailure(fault.status);
    const answer = runStep(request.steps, request.cause, (tx) =>
      expand(tx, simulation.resources, handle(tx, request.id), paths),
    );
    if (fault?.kind === 'error_after') throw apiFailure(fault.status);
    return { status: 200, body: JSON.stringify(answer) };
  } catch (error) {
    if (!(error instanceof StripeError)) throw error;
    return { status: error.status, body: JSON.stringify({ error: error.body }) };
  }
}

/** Every endpoint of the v1 API takes `expand`; the v2 API has none. */
function withoutExpansion(
  parameters: FormParameters,
  isV2: boolean,
): { paths: readonly string[]; raw: FormParameters } {
  if (isV2 || parameters.expand === undefined) return { paths: [], raw: parameters };
  const { expand: paths, ...raw } = parameters;
  if (!Array.isArray(paths)) throw invalidRequest({ param: 'expand', message: 'Invalid array' });
  for (const [index, path] of paths.entries()) {
    if (typeof path !== 'string')
      throw invalidRequest({ param: `expand[${index}]`, message: 'Invalid string' });
  }
  return { paths, raw };
}
