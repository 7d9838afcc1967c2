import type { z } from 'zod';
import type { FormParameters } from './api/form.ts';
import { readParameters } from './api/parameters.ts';
import type { DueWork } from './state/due-work.ts';
import type { Reaction, Transaction } from './state/transaction.ts';

export type Method = 'GET' | 'POST' | 'DELETE';

/** What a handler gets. */
export interface RouteRequest<Parameters> {
  readonly tx: Transaction;
  /** The `:id` of the path; with a second one in the path `a/b`; empty when the path has none. */
  readonly id: string;
  readonly parameters: Parameters;
}

/** One endpoint. */
export interface Route {
  readonly method: Method;
  readonly path: string;
  /** What it takes, every leaf a text. */
  readonly parameters: z.ZodType;
  /** What it does otherwise than Stripe, in a few words, for docs/simulator.md. */
  readonly differs: string | undefined;
  /** Checks the parameters and answers. @throws StripeError */
  prepare(raw: FormParameters): (tx: Transaction, id: string) => unknown;
}

/**
 * Declares an endpoint. Checking the parameters is a step of its own, because what it refuses is not stored
 * under an idempotency key.
 */
export function route<Parameters>(declared: {
  method: Method;
  path: string;
  parameters: z.ZodType<Parameters>;
  differs?: string;
  handle: (request: RouteRequest<Parameters>) => unknown;
}): Route {
  return {
    method: declared.method,
    path: declared.path,
    parameters: declared.parameters,
    differs: declared.differs,
    prepare(raw) {
      const parameters = readParameters(declared.parameters, raw);
      return (tx, id) => declared.handle({ tx, id, parameters });
    },
  };
}

/**
 * How a property is expanded: the `object` name of the resource that its id belongs to, or, for a property that
 * is only there on demand, a function that makes it.
 */
type Expansion = string | ((tx: Transaction, id: string) => unknown);

/** One kind of object: its endpoints and what others need to know of it. */
export interface Resource {
  /** Its `object` value, such as `checkout.session`. */
  readonly object: string;
  /** What it keeps of its objects, in a few words, for docs/simulator.md. */
  readonly keeps?: string;
  readonly routes: readonly Route[];
  /** By property; a dotted name reaches into a nested hash. */
  readonly expandable: Readonly<Record<string, Expansion>>;
  /** Its wire form by id, for others that expand it. */
  readonly find?: (tx: Transaction, id: string) => object | undefined;
  /** What it does when another resource's event is written, by event type; in the same step. */
  readonly reactions?: Readonly<Record<string, Reaction>>;
  /** What happens to its rows as time passes, such as a renewal. */
  readonly due?: DueWork;
}
