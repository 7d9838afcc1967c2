import { z } from 'zod';
import { CREATE_TENANT_STEPS } from '../../client/contract.ts';
import { checkoutSchema } from '../../domain/create-tenant-input.ts';

const WORKFLOW_ID = 'create-tenant-cus_QXg1o8vpGmoR32';

export const checkoutBodySchema = checkoutSchema.meta({
  id: 'Checkout',
  examples: [
    {
      email: 'ada@example.com',
      client_name: 'Ada’s Workshop',
      stripe_customer_id: 'cus_QXg1o8vpGmoR32',
      stripe_subscription_id: 'sub_1PgafmB7WZ01zgkW6dKueIc5',
      initial_license_count: 10,
    },
  ],
});

export const acceptedSchema = z
  .object({ workflow_id: z.string() })
  .meta({ id: 'AcceptedCheckout', examples: [{ workflow_id: WORKFLOW_ID }] });

export const checkoutParametersSchema = z.object({ workflow_id: z.string() });

export const checkoutStatusSchema = z
  .object({
    workflow_id: z.string(),
    run_id: z.string(),
    status: z
      .enum(['running', 'waiting', 'completed', 'failed'])
      .describe('waiting: a step needs an operator'),
    tenant: z.string().nullable(),
    licensed_user_count: z.int().nullable(),
    steps: z.array(
      z.object({
        name: z.enum(CREATE_TENANT_STEPS),
        state: z.enum(['done', 'running', 'waiting', 'skipped']),
        reason: z.string().optional(),
      }),
    ),
  })
  .meta({
    id: 'CheckoutStatus',
    examples: [
      {
        workflow_id: WORKFLOW_ID,
        run_id: '0198f1a4-6f0b-7b2e-9d0b-3f6a4c1e2d57',
        status: 'completed',
        tenant: '3f0f1a52-7f55-4c3c-8f2c-0c7b4a3a9c11',
        licensed_user_count: 10,
        steps: [
          { name: 'verify_purchase', state: 'done' },
          { name: 'create_tenant', state: 'done' },
        ],
      },
    ],
  });
export type CheckoutStatus = z.infer<typeof checkoutStatusSchema>;
