import { recordCommand } from '../db/audit-log.ts';
import { correctTenant, provisionTenant } from '../db/tenants.ts';
import type { Purchase } from '../domain/create-tenant-input.ts';
import type { ActivityDependencies } from './dependencies.ts';

export type CreatedTenant = {
  tenant: string;
  licensed_user_count: number | null;
  /** false: the customer belonged to a tenant already, nobody has to be invited. */
  is_own: boolean;
  /** Fixed here, so that what is written to Stripe under one key never changes. */
  app_url: string;
};

export type OperatorAction = {
  tenant: string;
  workflow_id: string;
  /** The update's id: equal on every retry. */
  command_id: string;
  action: 'retry' | 'amend' | 'abandon';
  step: string;
  actor: string;
  reason: string;
  correction?: { stripe_subscription_id?: string; email?: string; initial_license_count?: number };
};

export function createTenantActivities({ database, billingTenant, appUrl, now }: ActivityDependencies) {
  return {
    /** Makes the tenant with all that its birth writes, in one transaction; finds the one that is there already. */
    async createTenant(options: { provisioning_key: string; purchase: Purchase }): Promise<CreatedTenant> {
      const { tenant, licensedUserCount, isOwn } = await provisionTenant(database, {
        provisioningKey: options.provisioning_key,
        purchase: options.purchase,
        billingTenant,
        now: now(),
      });
      return { tenant, licensed_user_count: licensedUserCount, is_own: isOwn, app_url: appUrl };
    },

    /** Records an operator's command and, in the same transaction, writes what it corrects. */
    async recordOperatorAction(action: OperatorAction): Promise<void> {
      await database.transaction(async (transaction) => {
        await recordCommand(transaction, {
          tenant: action.tenant,
          commandKey: `${action.workflow_id}/${action.command_id}`,
          actor: action.actor,
          action: `${action.action} ${action.step}`,
          subject: action.workflow_id,
          reason: action.reason,
          // The audit tells that the e-mail was corrected; the address itself stands in the tenant's rows alone.
          detail: {
            ...action.correction,
            ...(action.correction?.email !== undefined && { email: 'corrected' }),
          },
        });
        await correctTenant(transaction, {
          tenant: action.tenant,
          email: action.correction?.email,
          initialLicenseCount: action.correction?.initial_license_count,
        });
      });
    },
  };
}
