import { STATUS_CODES } from 'node:http';
import { hasZodFastifySchemaValidationErrors } from '@fastify/type-provider-zod';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { TemporalUnavailable } from '../client/temporal-unavailable.ts';
import { databaseFailure, isDatabaseAway } from '../db/errors.ts';
import type { RefusalReason } from './refusal-reasons.ts';

/** When a client may come again after a 503. */
const RETRY_AFTER_S = 5;

const fieldErrorSchema = z.object({ field: z.string(), message: z.string() });
type FieldError = z.infer<typeof fieldErrorSchema>;

/** RFC 9457; for the API's documentation. */
export const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    request_id: z.string(),
    errors: z.array(fieldErrorSchema).optional().describe('every wrong field of the body'),
    workflow_id: z.string().optional().describe('of a conflict: the run that began with another checkout'),
    checks: z
      .record(z.string(), z.enum(['up', 'down']))
      .optional()
      .describe('when not ready'),
  })
  .meta({
    id: 'Problem',
    examples: [
      {
        type: 'about:blank',
        title: 'Unprocessable Entity',
        status: 422,
        detail: 'The body has wrong fields.',
        request_id: 'c0a8f1de-6f1c-4a33-9a3b-1f0f8f6f9a10',
        errors: [{ field: 'email', message: 'must be an e-mail address' }],
      },
    ],
  });

type ProblemOptions = {
  status: number;
  detail: string;
  reason?: RefusalReason;
  headers?: Record<string, string>;
  extensions?: Record<string, unknown>;
};

/** An answer other than success, thrown by a route and made into problem+json here. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly options: ProblemOptions;

  constructor(options: ProblemOptions) {
    super(options.detail);
    this.options = options;
  }
}

/** 503 with Retry-After: nothing was lost, come again. */
export function unavailable(detail: string, reason?: RefusalReason): Problem {
  return new Problem({
    status: 503,
    detail,
    headers: { 'retry-after': String(RETRY_AFTER_S) },
    ...(reason !== undefined && { reason }),
  });
}

/** The one place where an error becomes an answer. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, detail, headers = {}, extensions = {} } = problemOf(error);
  if (status >= 500 && status !== 503) {
    request.log.error({ err: databaseFailure(error), request_id: request.id }, 'a request failed');
  }
  const title = STATUS_CODES[status] ?? 'Error';
  const problem = { type: 'about:blank', title, status, detail, request_id: request.id, ...extensions };
  return reply
    .code(status)
    .headers(headers)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problem);
}

export function registerProblems(app: FastifyInstance): void {
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler((request, reply) =>
    sendProblem(new Problem({ status: 404, detail: 'There is nothing at this address.' }), request, reply),
  );
}

/** Answers 405 at an address for all methods but those it has. */
export function refuseOtherMethods(app: FastifyInstance, url: string, allowed: readonly string[]): void {
  const allow = allowed.join(', ');
  app.route({
    method: app.supportedMethods.filter((method) => !allowed.includes(method)),
    url,
    schema: { hide: true },
    // Before the body is read.
    onRequest: async () => {
      const detail = `Only ${allow} can be used here.`;
      throw new Problem({ status: 405, detail, reason: 'wrong_method', headers: { allow } });
    },
    handler: () => undefined,
  });
}

function problemOf(error: unknown): ProblemOptions {
  if (error instanceof Problem) return error.options;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.flatMap(({ instancePath, message, params }) =>
      fieldErrors(instancePath, message ?? 'is not valid', params),
    );
    return { status: 422, detail: 'The body has wrong fields.', extensions: { errors } };
  }
  if (error instanceof TemporalUnavailable) return unavailable('Temporal is away. Try again later.').options;
  if (isDatabaseAway(error)) return unavailable('The database is away. Try again later.').options;
  return ofFastify(error) ?? { status: 500, detail: 'Something went wrong on our side.' };
}

/** Fastify's own refusals; their messages are about the request's form, never its contents. */
function ofFastify(error: unknown): ProblemOptions | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const { statusCode: status = 500, code, message } = error as FastifyError;
  if (status < 400 || status >= 500) return undefined;
  if (status === 413) return { status, detail: 'The body is too large.', reason: 'too_large' };
  return { status, detail: code?.startsWith('FST_') ? message : 'The request is not valid.' };
}

/** One entry for each unknown key, and the name of a nested field with dots. */
function fieldErrors(instancePath: string, message: string, params: Record<string, unknown>): FieldError[] {
  const field = instancePath.replace(/^\//, '').replaceAll('/', '.');
  const keys: unknown = params.keys;
  if (!Array.isArray(keys)) return [{ field, message }];
  return keys.map((key) => ({
    field: field ? `${field}.${key}` : String(key),
    message: 'is not a known field',
  }));
}
