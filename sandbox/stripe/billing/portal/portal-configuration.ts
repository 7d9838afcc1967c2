import { invalidRequest, noSuchInParameter } from '../../api/errors.ts';
import { type Metadata, mergeMetadata, sent } from '../../api/parameters.ts';
import { previousAttributes } from '../../state/previous-attributes.ts';
import { defineTable } from '../../state/table.ts';
import type { Transaction } from '../../state/transaction.ts';
import { priceInParameter, productTable } from '../catalog/catalog.ts';
import {
  changedFeatures,
  dashboardFeatures,
  noFeatures,
  type PortalFeatures,
  type PortalProduct,
} from './portal-features.ts';
import type { CreateConfiguration, FeatureParameters, UpdateConfiguration } from './portal-parameters.ts';

/** Stripe's limit for one configuration. */
const productsMax = 10;

/** As the API shows it, but for the products that customers may switch to. */
export interface PortalConfiguration {
  readonly id: string;
  readonly object: 'billing_portal.configuration';
  readonly active: boolean;
  readonly application: null;
  readonly business_profile: {
    readonly headline: string | null;
    readonly privacy_policy_url: string | null;
    readonly terms_of_service_url: string | null;
  };
  readonly created: number;
  readonly default_return_url: string | null;
  readonly features: PortalFeatures;
  readonly is_default: boolean;
  readonly livemode: false;
  readonly login_page: { readonly enabled: boolean; readonly url: string | null };
  readonly metadata: Metadata;
  readonly name: string | null;
  readonly updated: number;
}

/** A configuration as it is shown, and what is shown of it on demand only. */
export interface StoredConfiguration {
  readonly id: string;
  readonly shown: PortalConfiguration;
  readonly products: readonly PortalProduct[];
}

export const portalConfigurationTable = defineTable<StoredConfiguration>({
  noun: 'configuration',
  indexes: { default: ({ shown }) => (shown.is_default ? 'default' : null) },
});

/** @throws StripeError 400 */
export function createConfiguration(tx: Transaction, parameters: CreateConfiguration): PortalConfiguration {
  const fresh = { ...newConfiguration(tx), products: [] };
  const { shown } = tx.put(portalConfigurationTable, changed(tx, fresh, parameters));
  tx.emit('billing_portal.configuration.created', shown);
  return shown;
}

/** @throws StripeError 400 */
export function updateConfiguration(
  tx: Transaction,
  before: StoredConfiguration,
  { active, ...parameters }: UpdateConfiguration,
): PortalConfiguration {
  if (active === false && before.shown.is_default) {
    throw invalidRequest({ param: 'active', message: 'The default configuration cannot be deactivated.' });
  }
  const after = changed(tx, { ...before, shown: { ...before.shown, ...sent({ active }) } }, parameters);
  if (!previousAttributes(before, after)) return before.shown;
  const { shown } = tx.put(portalConfigurationTable, {
    ...after,
    shown: { ...after.shown, updated: tx.now },
  });
  tx.emitUpdated('billing_portal.configuration.updated', before.shown, shown);
  return shown;
}

/**
 * The configuration of sessions that name none. It comes into being when it is first asked for, as if somebody had
 * saved the dashboard's settings before: without an event.
 */
export function defaultConfiguration(tx: Transaction): StoredConfiguration {
  const index = { name: 'default', key: 'default' };
  const saved = tx.table(portalConfigurationTable).newestFirst({ index }).next().value;
  if (saved) return saved;
  const { id, shown } = newConfiguration(tx);
  return tx.put(portalConfigurationTable, {
    id,
    shown: { ...shown, features: dashboardFeatures, is_default: true },
    products: [],
  });
}

function newConfiguration(tx: Transaction): { id: string; shown: PortalConfiguration } {
  const id = tx.newId('bpc');
  return {
    id,
    shown: {
      id,
      object: 'billing_portal.configuration',
      active: true,
      application: null,
      business_profile: { headline: null, privacy_policy_url: null, terms_of_service_url: null },
      created: tx.now,
      default_return_url: null,
      features: noFeatures,
      is_default: false,
      livemode: false,
      login_page: { enabled: false, url: null },
      metadata: {},
      name: null,
      updated: tx.now,
    },
  };
}

/** @throws StripeError 400 */
function changed(
  tx: Transaction,
  before: StoredConfiguration,
  parameters: Omit<UpdateConfiguration, 'active'>,
): StoredConfiguration {
  const { shown } = before;
  if (parameters.login_page?.enabled) {
    const message = 'This simulator has no login page of the customer portal.';
    throw invalidRequest({ param: 'login_page[enabled]', message });
  }
  const products = parameters.features?.subscription_update?.products;
  return {
    id: before.id,
    products: products === undefined ? before.products : productsOf(tx, products),
    shown: {
      ...shown,
      ...sent({ default_return_url: parameters.default_return_url, name: parameters.name }),
      business_profile: { ...shown.business_profile, ...sent(parameters.business_profile ?? {}) },
      features: changedFeatures(shown.features, parameters.features ?? {}),
      metadata: mergeMetadata(shown.metadata, parameters.metadata),
    },
  };
}

type SentProducts = NonNullable<NonNullable<FeatureParameters['subscription_update']>['products']>;

function productsOf(tx: Transaction, sentProducts: SentProducts): PortalProduct[] {
  const param = 'features[subscription_update][products]';
  if (sentProducts.length > productsMax) {
    throw invalidRequest({ param, message: `You can specify up to ${productsMax} products.` });
  }
  return sentProducts.map(({ adjustable_quantity: adjustable, prices, product }, index) => {
    const place = `${param}[${index}]`;
    if (!tx.get(productTable, product)) throw noSuchInParameter('product', product, `${place}[product]`);
    for (const [position, price] of prices.entries()) {
      const found = priceInParameter(tx, price, `${place}[prices][${position}]`);
      if (found.product === product && found.recurring) continue;
      const message = `The price \`${price}\` is not a recurring price of the product \`${product}\`.`;
      throw invalidRequest({ param: `${place}[prices][${position}]`, message });
    }
    return {
      adjustable_quantity: {
        enabled: adjustable?.enabled ?? false,
        maximum: adjustable?.maximum ?? null,
        minimum: adjustable?.minimum ?? 1,
      },
      prices,
      product,
    };
  });
}
