import type { Subscription } from '../billing/subscriptions/subscription-state.ts';
import type { Customer } from '../resources/customers.ts';
import type { ControlChannel } from './channel.ts';
import type { PortalCancel, PortalCard, PortalCustomer, PortalUpdate } from './portal-routes.ts';

/** A subscription as the API shows it. */
type ShownSubscription = Omit<Subscription, 'internals' | 'items'>;

/** What a customer does on the page of a billing portal session. */
export interface PortalControl {
  /** Ends a subscription, now or with its period, as the session's configuration says. */
  cancelInPortal(sessionId: string, wish: PortalCancel): Promise<ShownSubscription>;
  /** Takes back that a subscription is to end. */
  renewInPortal(sessionId: string, wish: { subscription: string }): Promise<ShownSubscription>;
  /** Changes quantity or price; an item need not be named when there is only one. */
  updateInPortal(sessionId: string, wish: PortalUpdate): Promise<ShownSubscription>;
  /**
   * A new card, by its test token, becomes the customer's default, or pays one subscription. Where the bank wants
   * a check the customer passes it unless `authenticates` is false.
   */
  changeCardInPortal(sessionId: string, wish: PortalCard): Promise<{ payment_method: string }>;
  updateCustomerInPortal(sessionId: string, changes: PortalCustomer): Promise<Customer>;
}

export function portalDriver({ post }: ControlChannel): PortalControl {
  return {
    cancelInPortal: (id, wish) => post(`portal-sessions/${id}/cancel`, wish),
    renewInPortal: (id, wish) => post(`portal-sessions/${id}/renew`, wish),
    updateInPortal: (id, wish) => post(`portal-sessions/${id}/update`, wish),
    changeCardInPortal: (id, wish) => post(`portal-sessions/${id}/card`, wish),
    updateCustomerInPortal: (id, changes) => post(`portal-sessions/${id}/customer`, changes),
  };
}
