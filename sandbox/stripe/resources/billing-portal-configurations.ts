import { z } from 'zod';
import { noSuchInPath } from '../api/errors.ts';
import { pageOfTable } from '../api/lists.ts';
import {
  createConfiguration,
  portalConfigurationTable,
  type StoredConfiguration,
  updateConfiguration,
} from '../billing/portal/portal-configuration.ts';
import {
  createConfigurationParameters,
  listConfigurationsParameters,
  updateConfigurationParameters,
} from '../billing/portal/portal-parameters.ts';
import { type Resource, route } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';

function list(tx: Transaction, parameters: z.infer<typeof listConfigurationsParameters>): object {
  const { active, is_default: isDefault } = parameters;
  return pageOfTable(tx, {
    table: portalConfigurationTable,
    parameters,
    where: ({ shown }) =>
      (active === undefined || shown.active === active) &&
      (isDefault === undefined || shown.is_default === isDefault),
    render: ({ shown }) => shown,
    url: '/v1/billing_portal/configurations',
  });
}

function existing(tx: Transaction, id: string): StoredConfiguration {
  const configuration = tx.get(portalConfigurationTable, id);
  if (!configuration) throw noSuchInPath('configuration', id);
  return configuration;
}

export const billingPortalConfigurations: Resource = {
  object: 'billing_portal.configuration',
  keeps: 'features, texts, metadata; whether it is the default',
  expandable: {
    'features.subscription_update.products': (tx, id) => existing(tx, id).products,
  },
  find: (tx, id) => tx.get(portalConfigurationTable, id)?.shown,
  routes: [
    route({
      method: 'POST',
      path: '/v1/billing_portal/configurations',
      parameters: createConfigurationParameters,
      handle: ({ tx, parameters }) => createConfiguration(tx, parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/billing_portal/configurations/:id',
      parameters: z.strictObject({}),
      handle: ({ tx, id }) => existing(tx, id).shown,
    }),
    route({
      method: 'POST',
      path: '/v1/billing_portal/configurations/:id',
      parameters: updateConfigurationParameters,
      handle: ({ tx, id, parameters }) => updateConfiguration(tx, existing(tx, id), parameters),
    }),
    route({
      method: 'GET',
      path: '/v1/billing_portal/configurations',
      parameters: listConfigurationsParameters,
      handle: ({ tx, parameters }) => list(tx, parameters),
    }),
  ],
};
