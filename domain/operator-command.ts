import { z } from 'zod';
import { emailSchema, licenseCountSchema } from './create-tenant-input.ts';
import { stripeSubscriptionIdSchema } from './ids.ts';
import { read } from './read.ts';

const ACTOR_LENGTH_MAX = 200;
const REASON_LENGTH_MAX = 2_000;

/** What every operator's command carries: who gives it, and why. */
export const actorAndReason = {
  actor: z.string().trim().min(1).max(ACTOR_LENGTH_MAX),
  reason: z.string().trim().min(1).max(REASON_LENGTH_MAX),
};

const orderSchema = z.strictObject(actorAndReason);

const command = { step: z.string(), ...actorAndReason };

/** Who tells a waiting step to go on or to be left out, and why. */
const operatorCommandSchema = z.strictObject(command);

/** The same, with what is to be corrected first; at least one of them. */
const amendCommandSchema = z
  .strictObject({
    ...command,
    stripe_subscription_id: stripeSubscriptionIdSchema.optional(),
    email: emailSchema.optional(),
    initial_license_count: licenseCountSchema.optional(),
  })
  .refine(
    (amend) =>
      [amend.stripe_subscription_id, amend.email, amend.initial_license_count].some((v) => v !== undefined),
    { message: 'must correct at least one of stripe_subscription_id, email, initial_license_count' },
  );

/** Who gives an order that says nothing more, and why. @throws Failure InvalidInput naming every wrong field */
export function readOrder(value: unknown): z.infer<typeof orderSchema> {
  return read(orderSchema, value);
}

/** Who tells a waiting step to go on or to be left out. @throws Failure InvalidInput naming every wrong field */
export function readOperatorCommand(value: unknown): z.infer<typeof operatorCommandSchema> {
  return read(operatorCommandSchema, value);
}

/** The same with corrections. @throws Failure InvalidInput naming every wrong field */
export function readAmendCommand(value: unknown): z.infer<typeof amendCommandSchema> {
  return read(amendCommandSchema, value);
}
