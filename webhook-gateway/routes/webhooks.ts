import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type EventKind, eventKind, type RoutedEvent, routeEvent } from '../../domain/webhook-event.ts';
import { WEBHOOK_PATHS, WEBHOOK_REFUSALS } from '../../domain/webhook-refusals.ts';
import { type ClaimedSignature, readSignature, verifySignature } from '../../stripe/signature.ts';
import { BodyBudget } from '../body-budget.ts';
import type { GatewayDependencies } from '../dependencies.ts';
import type { StoreAnswer } from '../inbox-writer.ts';
import { Problem, problemSchema, refuseOtherMethods, unavailable } from '../problem.ts';
import type { RefusalReason } from '../refusal-reasons.ts';

type WebhookDependencies = Pick<
  GatewayDependencies,
  'webhookKeys' | 'livemode' | 'inbox' | 'waker' | 'metrics' | 'nowMs'
>;

const SIGNATURE = 'claimedSignature';

/** Stripe's events: signature over the raw bytes, then JSON, then whom it concerns, then the inbox, then 200. */
export async function webhookRoutes(app: FastifyInstance, dependencies: WebhookDependencies): Promise<void> {
  const { metrics, nowMs } = dependencies;
  takeRawBodies(app);
  app.decorateRequest(SIGNATURE, null);
  const budget = new BodyBudget();
  app.addHook('onError', (_request, _reply, error, done) => {
    metrics.refused.inc({ reason: reasonOf(error) });
    done();
  });
  app.addHook('onResponse', (_request, reply, done) => {
    metrics.ack.observe({ status: reply.statusCode }, reply.elapsedTime / 1000);
    done();
  });
  for (const path of WEBHOOK_PATHS) {
    app.post<{ Body: Buffer | undefined }>(
      path,
      {
        schema: documentation(path),
        // Whoever can't have signed anything is told so before a byte of the body is kept.
        onRequest: (request, _reply, done) => {
          const header = request.headers['stripe-signature'];
          const reading = readSignature({ header, nowS: Math.floor(nowMs() / 1000) });
          if ('refused' in reading) return done(refusal(reading.refused));
          request.setDecorator(SIGNATURE, reading.claimed);
          done();
        },
        preParsing: ({ headers }, { raw: response }, body, done) => {
          // What reads the body takes an error of it for its end, and answers with it.
          budget.watch({ headers, body, response }, () => {
            // With nobody to take it, an error would end the process.
            if (body.listenerCount('error') > 0) body.emit('error', tooManyLargeBodies());
          });
          done(null, body);
        },
      },
      async (request, reply) => {
        const claimed = request.getDecorator<ClaimedSignature>(SIGNATURE);
        await receive({ claimed, body: request.body ?? Buffer.alloc(0) }, dependencies);
        return reply.send(RECEIVED);
      },
    );
    refuseOtherMethods(app, path, ['POST']);
  }
}

const RECEIVED = { received: true };

/** Whatever the content type, the body stays as it was signed; zod has no business on this path. */
function takeRawBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  // A content type that is no content type would be refused before any parser is asked.
  app.addHook('onRequest', (request, _reply, done) => {
    request.raw.headers['content-type'] = 'application/octet-stream';
    done();
  });
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
}

type Received = { claimed: ClaimedSignature; body: Buffer };

/** Returns when the event is committed. */
async function receive(
  { claimed, body }: Received,
  { webhookKeys, livemode, inbox, waker, metrics }: WebhookDependencies,
): Promise<void> {
  const verdict = verifySignature(claimed, body, webhookKeys);
  if (!verdict.verified) throw refusal(verdict.reason);
  const { payload, event } = readEvent(body, { livemode, kinds: verdict.kinds });
  const answer = await inbox.store({ ...event, payload }, body.length);
  const outcome = committed(answer);
  metrics.events.inc({ outcome });
  if (outcome === 'stored' && event.status === 'received' && event.subject !== null)
    waker.notice(event.subject);
}

function readEvent(
  body: Buffer,
  options: { livemode: boolean; kinds: readonly EventKind[] },
): { payload: string; event: RoutedEvent } {
  // Bytes that are no UTF-8 would be stored as other text than was signed.
  if (!isUtf8(body)) throw refusal('not_json');
  const payload = body.toString('utf8');
  const parsed = parseJson(payload);
  const event = routeEvent(parsed, options.livemode);
  if (event === undefined) throw refusal('not_an_event');
  if (!options.kinds.includes(eventKind(parsed))) throw refusal('kind_of_another_secret');
  return { payload, event };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refusal('not_json');
  }
}

function committed(answer: StoreAnswer): 'stored' | 'duplicate' {
  switch (answer.outcome) {
    case 'stored':
    case 'duplicate':
      return answer.outcome;
    case 'refused':
      throw new Problem({
        status: 400,
        detail: `Postgres can’t hold this event (SQLSTATE ${answer.sqlState}).`,
        reason: 'row_refused',
      });
    case 'unavailable':
      throw unavailable('The event was not stored. Send it again later.', answer.reason);
    default:
      return answer satisfies never;
  }
}

function tooManyLargeBodies(): Problem {
  return unavailable('Too many large events come at once. Send this one again later.', 'overloaded');
}

function refusal(reason: keyof typeof WEBHOOK_REFUSALS): Problem {
  return new Problem({ status: 400, detail: WEBHOOK_REFUSALS[reason], reason });
}

function reasonOf(error: Error): RefusalReason {
  if (error instanceof Problem) return error.options.reason ?? 'other';
  if ('code' in error && error.code === 'ECONNRESET') return 'cut_off';
  return 'statusCode' in error && error.statusCode === 413 ? 'too_large' : 'other';
}

function documentation(path: string): object {
  return {
    tags: ['webhooks'],
    summary: 'Takes an event from Stripe',
    description:
      'Answers when the event is committed. The same event again is acknowledged and changes nothing.',
    // One address is the one to use, the others are for endpoints that exist already.
    hide: path !== WEBHOOK_PATHS[0],
    headers: z.object({ 'stripe-signature': z.string().describe('t=…,v1=…') }),
    body: z.looseObject({ id: z.string(), type: z.string() }).meta({
      examples: [
        {
          id: 'evt_1',
          object: 'event',
          type: 'customer.subscription.updated',
          data: { object: { id: 'sub_1', customer: 'cus_1' } },
        },
      ],
    }),
    response: {
      200: z.object({ received: z.literal(true) }),
      400: problemSchema.describe('Signature, JSON or event is wrong'),
      413: problemSchema.describe('More than 1 MiB'),
      503: problemSchema.describe('Not stored; comes with Retry-After'),
    },
  };
}
