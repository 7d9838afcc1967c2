import { Argument, type Command, Option } from 'commander';
import {
  listTenants,
  type TenantDetails,
  type TenantReference,
  tenantDetails,
} from '../../db/tenant-list.ts';
import { tenantExists } from '../../db/tenants.ts';
import { ACCESS_STATES, type AccessState } from '../../domain/access-state.ts';
import { tenantIdSchema } from '../../domain/ids.ts';
import type { Cli } from '../cli.ts';
import { EXIT_CODES, type ExitCode, Refused } from '../exit-codes.ts';
import { LIMIT_OPTION, pageOf, tellNext } from '../list-page.ts';
import { by } from '../option-values.ts';
import { fields, type Output, table } from '../output.ts';
import { eventTable } from './events.ts';
import { oneTenant, tenantOrEmail } from './tenant-reference.ts';
import { addRepair } from './tenant-repair.ts';

/** `tenantry tenants …`: tenants with what they have in Stripe. */
export function addTenants(program: Command, cli: Cli): void {
  const tenants = program.command('tenants').description('Find, see and repair tenants.');
  tenants
    .command('list')
    .description('List tenants, the newest first.')
    .option('--email <address>', 'only tenants with this e-mail address, whatever its case')
    .option('--name <part>', 'only tenants whose name contains this, whatever its case')
    .addOption(new Option('--access <state>', 'only tenants with this access').choices(ACCESS_STATES))
    .option(...LIMIT_OPTION)
    .option('--before <tenant>', 'go on with what is older than this tenant', by(tenantIdSchema))
    .addHelpText('after', '\nExample:\n  tenantry tenants list --access suspended\n')
    .action(cli.action((output, options: ListOptions) => list(cli, output, options)));
  tenants
    .command('show')
    .description('Show a tenant with its customers, subscriptions, unpaid cases, last events and drift.')
    .addArgument(
      new Argument('<tenant>', 'its uuid, one of its customers (cus_…) or its e-mail address').argParser(
        tenantOrEmail,
      ),
    )
    .addHelpText('after', '\nExample:\n  tenantry tenants show cus_QXg1o8vpGmoR32\n')
    .action(cli.action((output, reference: TenantReference) => show(cli, output, reference)));
  addRepair(tenants, cli);
}

type ListOptions = { email?: string; name?: string; access?: AccessState; limit: number; before?: string };

async function list(cli: Cli, output: Output, options: ListOptions): Promise<ExitCode> {
  const { limit, before, ...filter } = options;
  const database = cli.database();
  if (before !== undefined && !(await tenantExists(database, before)))
    throw new Refused(`There is no tenant ${before}`);
  const found = await listTenants(database, { filter, limit: limit + 1, before });
  const { page: tenants, next } = pageOf(found, limit, (row) => row.tenant);
  output.answer({ tenants, next_before: next }, () =>
    table(
      ['TENANT', 'NAME', 'EMAIL', 'LICENCES', 'ACCESS', 'CREATED'],
      tenants.map((one) => [
        one.tenant,
        one.client_name,
        one.email,
        one.licensed_user_count,
        one.access_state,
        one.created_at,
      ]),
      'No tenant is like that.',
    ),
  );
  tellNext(output, next);
  return EXIT_CODES.done;
}

async function show(cli: Cli, output: Output, reference: TenantReference): Promise<ExitCode> {
  const database = cli.database();
  const details = await tenantDetails(database, await oneTenant(database, reference));
  output.answer(details, print);
  return EXIT_CODES.done;
}

function print(details: TenantDetails): string {
  const { tenant, customers, subscriptions, dunning_cases: cases, events, drift } = details;
  const parts: [heading: string, text: string][] = [
    ['Tenant', fields(tenant)],
    [
      'Customers',
      table(
        ['CUSTOMER', 'EMAIL', 'NAME', 'SYNCED'],
        customers.map((one) => [one.stripe_customer_external_id, one.email, one.name, one.synced_at]),
        'It has no customer in Stripe.',
      ),
    ],
    [
      'Subscriptions',
      table(
        ['SUBSCRIPTION', 'CUSTOMER', 'STATUS', 'QUANTITY', 'PRICE', 'PERIOD ENDS'],
        subscriptions.map((one) => [
          one.stripe_subscription_external_id,
          one.stripe_customer_external_id,
          one.status,
          one.quantity,
          one.stripe_price_external_id,
          one.current_period_end,
        ]),
        'It has no subscription.',
      ),
    ],
    [
      'Unpaid',
      table(
        ['SUBSCRIPTION', 'STATE', 'STAGE', 'ACCESS', 'INVOICE', 'PAUSED UNTIL', 'OPENED'],
        cases.map((one) => [
          one.stripe_subscription_external_id,
          one.state,
          one.stage,
          one.access,
          one.anchor_invoice,
          one.paused_until,
          one.opened_at,
        ]),
        'Nothing is being dunned.',
      ),
    ],
    ['Last events', eventTable(events, 'No event of its customers came.')],
    [
      'Drift',
      table(
        ['KIND', 'SUBJECT', 'FIELD', 'OURS', 'THEIRS', 'SINCE'],
        drift.map((one) => [one.kind, one.subject, one.field, one.ours, one.theirs, one.detected_at]),
        'No difference to Stripe is known.',
      ),
    ],
  ];
  return parts.map(([heading, text]) => `${heading}\n\n${text}`).join('\n\n');
}
