import { describe, expect, it } from 'vitest';
import { StripeError } from '../../../../sandbox/stripe/api/errors.ts';
import type { Route } from '../../../../sandbox/stripe/resource.ts';
import { resources } from '../../../../sandbox/stripe/resources.ts';
import { formOf } from './parameters.ts';
import { unknownParameters } from './unknown-parameters.ts';

const routes = resources.flatMap((resource) => resource.routes);

describe.each(routes)('$method $path', (route) => {
  it('refuses an unknown parameter at every level, as Stripe words it', () => {
    for (const { parameters, param } of unknownParameters(formOf(route))) {
      expect(refusalOf(route, parameters)).toMatchObject({
        status: 400,
        body: {
          type: 'invalid_request_error',
          code: 'parameter_unknown',
          param,
          message: `Received unknown parameter: ${param}`,
        },
      });
    }
  });
});

function refusalOf(route: Route, parameters: Record<string, unknown>): StripeError | undefined {
  try {
    route.prepare(parameters);
  } catch (error) {
    if (error instanceof StripeError) return error;
    throw error;
  }
  return undefined;
}
