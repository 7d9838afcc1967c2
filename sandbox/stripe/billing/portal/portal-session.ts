import { invalidRequest } from '../../api/errors.ts';
import { customerInParameter } from '../../resources/customers.ts';
import { defineTable } from '../../state/table.ts';
import type { Transaction } from '../../state/transaction.ts';
import {
  defaultConfiguration,
  portalConfigurationTable,
  type StoredConfiguration,
} from './portal-configuration.ts';
import { flowOf, type PortalFlow } from './portal-flow.ts';
import type { CreatePortalSession } from './portal-parameters.ts';

/** A session that nobody opens is over after this long. */
const unopenedSeconds = 5 * 60;
/** And an opened one this long after its last use. */
const unusedSeconds = 60 * 60;

/** As the API shows it. */
export interface PortalSession {
  readonly id: string;
  readonly object: 'billing_portal.session';
  readonly configuration: string;
  readonly created: number;
  readonly customer: string;
  readonly customer_account: null;
  readonly flow: PortalFlow | null;
  readonly livemode: false;
  readonly locale: string | null;
  readonly on_behalf_of: null;
  readonly return_url: string | null;
  readonly url: string;
}

/** A session as it is shown; who knows the token may act for the customer until it is over. */
export interface StoredPortalSession {
  readonly id: string;
  readonly shown: PortalSession;
  readonly token: string;
  /** Unix seconds. */
  readonly endsAt: number;
}

export const portalSessionTable = defineTable<StoredPortalSession>({
  noun: 'billing_portal.session',
  indexes: { token: (row) => row.token },
  due: (row) => ({ at: row.endsAt, clock: null }),
});

/** @throws StripeError 400 */
export function createPortalSession(tx: Transaction, parameters: CreatePortalSession): PortalSession {
  const { id: customer } = customerInParameter(tx, parameters.customer, 'customer');
  const configuration = configurationOf(tx, parameters.configuration);
  const flow = parameters.flow_data && flowOf(tx, parameters.flow_data, { customer, configuration });
  const id = tx.newId('bps');
  const token = tx.account.ids.characters(40);
  const shown: PortalSession = {
    id,
    object: 'billing_portal.session',
    configuration: configuration.id,
    created: tx.now,
    customer,
    customer_account: null,
    flow: flow ?? null,
    livemode: false,
    locale: parameters.locale ?? null,
    on_behalf_of: null,
    return_url: parameters.return_url ?? configuration.shown.default_return_url,
    url: `${tx.account.publicUrl()}/p/session/test_${token}`,
  };
  tx.put(portalSessionTable, { id, shown, token, endsAt: tx.now + unopenedSeconds });
  tx.emit('billing_portal.session.created', shown);
  return shown;
}

/** Remembers that a session has been used, which makes it last. */
export function touchPortalSession(tx: Transaction, session: StoredPortalSession): StoredPortalSession {
  return tx.put(portalSessionTable, { ...session, endsAt: tx.now + unusedSeconds });
}

/** Forgets a session whose time is over. */
export function endPortalSession(tx: Transaction, session: StoredPortalSession): void {
  tx.remove(portalSessionTable, session.id);
}

/** The session behind a URL; undefined when it is over. */
export function portalSessionOfToken(tx: Transaction, token: string): StoredPortalSession | undefined {
  const index = { name: 'token', key: token };
  const session: StoredPortalSession | undefined = tx
    .table(portalSessionTable)
    .newestFirst({ index })
    .next().value;
  return session && session.endsAt > tx.now ? session : undefined;
}

function configurationOf(tx: Transaction, id: string | undefined): StoredConfiguration {
  if (id === undefined) return defaultConfiguration(tx);
  const found = tx.get(portalConfigurationTable, id);
  if (found?.shown.active) return found;
  const message = found ? `The configuration '${id}' is inactive.` : `No such configuration: '${id}'`;
  throw invalidRequest({ ...(found ? {} : { code: 'resource_missing' }), param: 'configuration', message });
}
