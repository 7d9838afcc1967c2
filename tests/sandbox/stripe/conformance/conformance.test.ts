import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logToStderr } from '../../../../sandbox/processes/progress.ts';
import { resources } from '../../../../sandbox/stripe/resources.ts';
import { type StripeSimulator, startStripeSimulator } from '../../../../sandbox/stripe/simulator.ts';
import { endpointKey, readSpecification } from '../../../../sandbox/stripe/specification/specification.ts';
import { type StripeMock, startStripeMock } from '../../../../sandbox/stripe/specification/stripe-mock.ts';
import { clientOf } from '../simulator-fixture.ts';
import { declaredProperty } from './declarations.ts';
import { declaredSchema } from './declared-schema.ts';
import { exceptions } from './exceptions.ts';
import { formValues } from './form-values.ts';
import { createJudge, type Judge } from './judge.ts';
import { type MockRequest, mockRefusal } from './mock-request.ts';
import { compareParameters, formOf } from './parameters.ts';
import { makeProductRequests, requestModules } from './product-requests.ts';
import { tour } from './tour/tour.ts';

/** stripe-mock is built at its first use on a machine, beside other tests. */
const buildMaxMs = 600_000;

const specification = await readSpecification();
const routes = resources.flatMap((resource) => resource.routes);
const published = routes.filter(({ method, path }) => specification.endpoints[endpointKey(method, path)]);

let judge: Judge;
let simulator: StripeSimulator;
let mock: StripeMock;

beforeAll(async () => {
  judge = await createJudge({ schemaOf: declaredSchema });
  simulator = await startStripeSimulator({ observer: judge });
  mock = await startStripeMock(logToStderr);
}, buildMaxMs);

afterAll(async () => {
  await simulator.close();
  await mock.close();
});

describe('the parameters of an endpoint', () => {
  it.each(published)('$method $path: are those of the specification', (route) => {
    const endpoint = specification.endpoints[endpointKey(route.method, route.path)];
    if (!endpoint) throw new Error('the specification has no such endpoint');
    const { deviations } = compareParameters(route, endpoint);
    const remaining = judge.excuses.remaining(deviations);
    expect(remaining.map(({ where, what, detail }) => `${where}: ${what}: ${detail}`)).toEqual([]);
  });

  it.each(published)('$method $path: are taken by stripe-mock', async (route) => {
    const endpoint = specification.endpoints[endpointKey(route.method, route.path)];
    if (!endpoint) throw new Error('the specification has no such endpoint');
    const all = [...formValues(formOf(route), endpoint.parameters)];
    expect(await refusals(all.map((parameters) => ({ ...route, parameters })))).toEqual([]);
  });
});

describe('a tour of the simulator', () => {
  it.each(Object.entries(tour))('%s: every answer and every event fits', async (_, visit) => {
    await visit({ stripe: clientOf(simulator), control: simulator.control });
    judge.assertConformance();
  });

  it('has called every endpoint', () => {
    const keys = routes.map(({ method, path }) => endpointKey(method, path));
    expect(keys.filter((key) => !judge.answered.has(key))).toEqual([]);
  });

  it('made requests that stripe-mock takes', async () => {
    expect(await refusals(judge.fitting)).toEqual([]);
  });
});

describe('what the product asks of Stripe', () => {
  it('is taken by stripe-mock', async () => {
    const observer = await createJudge();
    const own = await startStripeSimulator({ observer });
    try {
      const called = await makeProductRequests(own.url);
      observer.assertConformance();
      const functions = Object.values(requestModules).flatMap((module) => Object.entries(module));
      const exported = functions.flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));
      expect(called.sort()).toEqual(exported.sort());
      expect(await refusals(observer.fitting)).toEqual([]);
    } finally {
      await own.close();
    }
  });
});

describe('an exception', () => {
  it('is for a place of its own', () => {
    const places = exceptions.map(({ where, what }) => `${where} ${what}`);
    expect(places.filter((place, index) => places.indexOf(place) !== index)).toEqual([]);
  });

  it.each(exceptions.filter(({ declared }) => declared !== undefined))(
    '$where: stripe-node declares it so',
    ({ declared = '', what }) => {
      expect(declaredProperty(declared)).toMatchObject(what === 'missing' ? { isOptional: true } : {});
    },
  );

  it('for a key or a parameter that the specification does not know says where stripe-node declares it', () => {
    const keys = exceptions.filter(({ where, what }) => what === 'unknown' && !/^[A-Z]+ [^?]+$/.test(where));
    expect(keys.filter(({ declared }) => declared === undefined).map(({ where }) => where)).toEqual([]);
  });

  it('is needed: something on the tour would fail without it', () => {
    expect(judge.excuses.unused().map(({ where, what }) => `${where} ${what}`)).toEqual([]);
  });
});

async function refusals(requests: readonly MockRequest[]): Promise<string[]> {
  const refused: string[] = [];
  for (const request of requests) refused.push((await mockRefusal(mock, request)) ?? '');
  return refused.filter((refusal) => refusal !== '');
}
