import type { SchemaObject } from 'ajv';
import type { ObservedAnswer, Observer } from '../../../../sandbox/stripe/observer.ts';
import {
  endpointKey,
  readSpecification,
  type Specification,
} from '../../../../sandbox/stripe/specification/specification.ts';
import { type Deviation, describeDeviations } from './deviations.ts';
import { eventDestinationSchema } from './event-destination-schema.ts';
import { exceptions } from './exceptions.ts';
import { Excuses } from './excuses.ts';
import { answerSchema, formSchema, type References } from './json-schema.ts';
import { knownEventTypes } from './known-event-types.ts';
import { thinEventSchema } from './thin-event-schema.ts';
import { Validator } from './validator.ts';

/** What a judge has to say, and in which answer or event it saw it. */
export interface Objection extends Deviation {
  readonly seenIn: string;
}

/** A request, with `:id` in its path. */
type ObservedRequest = Pick<ObservedAnswer, 'method' | 'parameters'> & { readonly path: string };

const thinEvent = 'v2.core.event';
const eventDestination = 'v2.core.event_destination';
/** Longest body that is quoted where it is no JSON. */
const bodyTextMax = 200;

interface JudgeParts {
  readonly specification: Specification;
  readonly excuses: Excuses;
  readonly answers: Validator;
  /** Of the objects in events, in which nothing is expanded. */
  readonly events: Validator;
}

let shared: JudgeParts | undefined;

/**
 * A judge of its own for a test. What judges have in common, the compiled schemas above all, is there once per
 * process.
 * @param options.schemaOf of a property that stripe-node declares: with it, excepted keys are held against that
 * @throws Error where the specification can't be had
 */
export async function createJudge(
  options: { schemaOf?: (declared: string) => SchemaObject } = {},
): Promise<Judge> {
  if (!shared) {
    const specification = await readSpecification();
    shared = {
      specification,
      excuses: new Excuses(exceptions, options.schemaOf),
      answers: validatorOf(specification, 'ids or objects'),
      events: validatorOf(specification, 'ids'),
    };
  }
  return new Judge(shared);
}

/** A validator for objects by their schema's name, for answers by their endpoint's, for parameters by that and `?`. */
function validatorOf({ schemas, endpoints }: Specification, references: References): Validator {
  return new Validator((name) => {
    if (name === thinEvent) return thinEventSchema;
    if (name === eventDestination) return eventDestinationSchema;
    if (schemas[name]) return answerSchema(schemas[name], references);
    const endpoint = endpoints[name.replace(/\?$/, '')];
    if (!endpoint) return undefined;
    return name.endsWith('?') ? formSchema(endpoint.parameters) : answerSchema(endpoint.answer, references);
  });
}

/** Holds what a simulator answers and delivers, and what it takes, against Stripe's specification. */
export class Judge implements Observer {
  readonly objections: Objection[] = [];
  /** The endpoints that have answered 2xx, by `endpointKey`. */
  readonly answered = new Set<string>();
  /** The requests that were answered 2xx and hold only what the specification knows. */
  readonly fitting: ObservedRequest[] = [];
  /** The exceptions that all judges of this process have needed so far. */
  readonly excuses: Excuses;
  private readonly specification: Specification;
  private readonly answers: Validator;
  private readonly events: Validator;

  constructor(parts: JudgeParts) {
    this.specification = parts.specification;
    this.excuses = parts.excuses;
    this.answers = parts.answers;
    this.events = parts.events;
  }

  /** @throws Error that names everything that does not fit */
  assertConformance(): void {
    if (this.objections.length === 0) return;
    const version = this.specification.version;
    throw new Error(`against Stripe's specification (${version}):\n${describeDeviations(this.objections)}`);
  }

  onAnswer(answer: ObservedAnswer): void {
    const { method, path, status } = answer;
    this.object(`${method} ${path ?? 'an unknown URL'}, answered ${status}`, this.ofAnswer(answer));
  }

  onEvent(event: unknown): void {
    const { object, type } = Object(event);
    const seenIn = `an event ${type}`;
    this.object(seenIn, object === thinEvent ? this.ofThinEvent(event) : this.ofSnapshotEvent(event));
  }

  private ofAnswer(answer: ObservedAnswer): Deviation[] {
    const { method, path, status, parameters } = answer;
    const body = parsed(answer.body);
    // A fault may want an answer that is no JSON.
    if (body === undefined) return answer.fault === null ? [notJson(answer.body)] : [];
    if (status >= 400 || path === null) return this.answers.deviations('error', body);
    const endpoint = endpointKey(method, path);
    this.answered.add(endpoint);
    if (!this.specification.endpoints[endpoint]) return this.ofUnknownEndpoint(endpoint, body);
    const ofParameters = this.answers.deviations(`${endpoint}?`, parameters).map(toParameter);
    if (ofParameters.length === 0) this.fitting.push({ method, path, parameters });
    return [...this.answers.deviations(endpoint, body), ...ofParameters];
  }

  /** The objects that it answers are held against their schemas all the same; v2 has none but ours. */
  private ofUnknownEndpoint(endpoint: string, body: unknown): Deviation[] {
    const detail = 'the specification has no such endpoint';
    const { data } = Object(body);
    const objects: unknown[] = Array.isArray(data) ? data : [body];
    return [
      { where: endpoint, what: 'unknown', detail, value: body },
      ...objects.flatMap((one) => {
        const { object, ...others } = Object(one);
        if (object === thinEvent) return this.ofThinEvent(one);
        // What is left of a deleted one.
        if (Object.keys(others).join() === 'id') return [];
        return this.answers.knows(object)
          ? this.answers.deviations(object, one)
          : [{ where: endpoint, what: 'value' as const, detail: `it answers an unknown object, ${object}` }];
      }),
    ];
  }

  private ofThinEvent(event: unknown): Deviation[] {
    const { type, related_object: related } = Object(event);
    const known = knownEventTypes().thin.get(type);
    const deviations = this.answers.deviations(thinEvent, event);
    if (!known) return [...deviations, unknownType(type)];
    if (known.hasRelatedObject === (related !== undefined && related !== null)) return deviations;
    const detail = `of ${type}: ${known.hasRelatedObject ? 'it must be there' : 'there must be none'}`;
    return [...deviations, { where: `${thinEvent}.related_object`, what: 'value', detail }];
  }

  private ofSnapshotEvent(event: unknown): Deviation[] {
    const deviations = this.answers.deviations('event', event);
    const { type, data } = Object(event);
    const schema = this.specification.eventObjects[type];
    if (!knownEventTypes().snapshot.has(type) || schema === undefined)
      return [...deviations, unknownType(type)];
    const keys = this.specification.schemas[schema]?.properties ?? {};
    const unknownKeys = Object.keys(data?.previous_attributes ?? {}).filter((key) => !(key in keys));
    return [
      ...deviations,
      ...this.events.deviations(schema, data?.object),
      ...unknownKeys.map((key) => ({
        where: `${schema}.${key}`,
        what: 'unknown' as const,
        detail: 'it is among the previous attributes',
      })),
    ];
  }

  private object(seenIn: string, deviations: readonly Deviation[]): void {
    for (const deviation of this.excuses.remaining(deviations))
      this.objections.push({ ...deviation, seenIn });
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function notJson(body: string): Deviation {
  return { where: 'an answer', what: 'value', detail: `it is no JSON: ${body.slice(0, bodyTextMax)}` };
}

function unknownType(type: unknown): Deviation {
  return { where: `event ${type}`, what: 'unknown', detail: 'stripe-node knows no such event type' };
}

function toParameter(deviation: Deviation): Deviation {
  return { ...deviation, where: deviation.where.replace('?.', '?') };
}
