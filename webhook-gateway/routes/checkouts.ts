import { isUtf8 } from 'node:buffer';
import type { CreateTenantProgress, StepProgress } from '../../client/contract.ts';
import type { DescribedRun } from '../../client/tenancy-client.ts';
import type { App, GatewayDependencies } from '../dependencies.ts';
import { Problem, problemSchema, refuseOtherMethods } from '../problem.ts';
import { createBearerCheck } from './bearer-key.ts';
import {
  acceptedSchema,
  type CheckoutStatus,
  checkoutBodySchema,
  checkoutParametersSchema,
  checkoutStatusSchema,
} from './checkout-schemas.ts';

/** No worker, no answer; then the steps are left out rather than waited for. */
const PROGRESS_TIMEOUT_MS = 2_000;

type CheckoutDependencies = Pick<
  GatewayDependencies,
  'checkoutApiKeys' | 'tenancy' | 'findCheckoutTenant' | 'metrics'
>;

/** Purchases from the store: begin a tenant's creation, and see how it goes. */
export async function checkoutRoutes(app: App, dependencies: CheckoutDependencies): Promise<void> {
  const { tenancy, metrics, checkoutApiKeys } = dependencies;
  takeJsonBodies(app);
  // Before the body is read.
  const onRequest = createBearerCheck(checkoutApiKeys);
  app.post('/checkouts', { onRequest, schema: POST_SCHEMA }, async (request, reply) => {
    const start = await tenancy.startCheckout(request.body);
    if (start.outcome === 'conflict') {
      metrics.checkouts.inc({ outcome: 'conflict' });
      throw new Problem({
        status: 409,
        detail: 'This customer’s checkout was another one.',
        extensions: { workflow_id: start.workflowId },
      });
    }
    metrics.checkouts.inc({ outcome: start.joined ? 'joined' : 'started' });
    const location = `/checkouts/${encodeURIComponent(start.workflowId)}`;
    return reply.code(202).header('location', location).send({ workflow_id: start.workflowId });
  });
  app.get('/checkouts/:workflow_id', { onRequest, schema: GET_SCHEMA }, async (request) => {
    const run = await tenancy.describe(request.params.workflow_id);
    if (run === undefined) throw new Problem({ status: 404, detail: 'There is no checkout with this id.' });
    return statusOf(run, dependencies);
  });
  refuseOtherMethods(app, '/checkouts', ['POST']);
  refuseOtherMethods(app, '/checkouts/:workflow_id', ['GET', 'HEAD']);
}

/**
 * A checkout is JSON in UTF-8 and nothing else. Fastify's own parser would replace bytes that are no UTF-8, and refuse a
 * key like `__proto__` by itself, without naming it; the schema takes only the keys it knows.
 */
function takeJsonBodies(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    const parsed = parseJson(body);
    if (parsed) done(null, parsed.value);
    else done(new Problem({ status: 400, detail: 'The body is not JSON in UTF-8.' }));
  });
}

function parseJson(body: Buffer): { value: unknown } | undefined {
  if (!isUtf8(body)) return undefined;
  try {
    return { value: JSON.parse(body.toString('utf8')) };
  } catch {
    return undefined;
  }
}

async function statusOf(run: DescribedRun, dependencies: CheckoutDependencies): Promise<CheckoutStatus> {
  const [steps, { tenant, licensedUserCount }] = await Promise.all([
    stepsOf(run, dependencies),
    tenantOf(run, dependencies),
  ]);
  const isWaiting = run.state === 'running' && steps.some((step) => step.state === 'waiting');
  return {
    workflow_id: run.workflowId,
    run_id: run.runId,
    status: isWaiting ? 'waiting' : run.state,
    tenant,
    licensed_user_count: licensedUserCount,
    steps,
  };
}

async function stepsOf(
  { workflowId }: DescribedRun,
  { tenancy }: CheckoutDependencies,
): Promise<StepProgress[]> {
  const unknown: CreateTenantProgress = { steps: [] };
  const progress = await tenancy.progressOf(workflowId, PROGRESS_TIMEOUT_MS).catch(() => unknown);
  return progress.steps;
}

/** The database knows the count of today. A run for a customer who had a tenant already made none; it has a result. */
async function tenantOf(
  run: DescribedRun,
  { findCheckoutTenant, tenancy }: CheckoutDependencies,
): Promise<{ tenant: string | null; licensedUserCount: number | null }> {
  const made = await findCheckoutTenant(run.workflowId);
  if (made) return made;
  if (run.state !== 'completed') return { tenant: null, licensedUserCount: null };
  const { tenant, licensed_user_count } = await tenancy.resultOf(run);
  return { tenant, licensedUserCount: licensed_user_count };
}

const REFUSED = {
  401: problemSchema.describe('The key is missing or wrong'),
  503: problemSchema.describe('Temporal or Postgres is away; comes with Retry-After'),
};

const POST_SCHEMA = {
  tags: ['checkouts'],
  summary: 'Begins a tenant for a purchase, or joins what this purchase began',
  security: [{ checkoutKey: [] }],
  body: checkoutBodySchema,
  response: {
    202: acceptedSchema,
    400: problemSchema.describe('The body is not JSON'),
    409: problemSchema.describe('The customer’s checkout was another one'),
    413: problemSchema.describe('More than 1 MiB'),
    415: problemSchema.describe('The content type is not application/json'),
    422: problemSchema.describe('The body has wrong fields; `errors` names each of them'),
    ...REFUSED,
  },
};

const GET_SCHEMA = {
  tags: ['checkouts'],
  summary: 'How a checkout goes',
  security: [{ checkoutKey: [] }],
  params: checkoutParametersSchema,
  response: {
    200: checkoutStatusSchema,
    404: problemSchema.describe('There is no such checkout'),
    ...REFUSED,
  },
};
