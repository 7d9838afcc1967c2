import { type BillingControl, billingDriver } from './billing-driver.ts';
import { createChannel } from './channel.ts';
import { type CheckoutControl, checkoutDriver } from './checkout-driver.ts';
import { type DeliveryControl, deliveryDriver } from './delivery-driver.ts';
import { type EventControl, eventDriver } from './event-driver.ts';
import { type PaymentControl, paymentDriver } from './payment-driver.ts';
import { type PortalControl, portalDriver } from './portal-driver.ts';
import { type RequestControl, requestDriver } from './request-driver.ts';
import { type StateControl, stateDriver } from './state-driver.ts';

/** Steers a running simulator, from the same process or another; a file for each theme. */
export interface StripeControl
  extends StateControl,
    RequestControl,
    EventControl,
    DeliveryControl,
    BillingControl,
    PaymentControl,
    CheckoutControl,
    PortalControl {}

/** A client of `/_control/…`. @param url where the simulator is, such as `http://127.0.0.1:12111` */
export function createStripeControl(url: string): StripeControl {
  const channel = createChannel(url);
  return {
    ...stateDriver(channel),
    ...requestDriver(channel),
    ...eventDriver(channel),
    ...deliveryDriver(channel),
    ...billingDriver(channel),
    ...paymentDriver(channel),
    ...checkoutDriver(channel),
    ...portalDriver(channel),
  };
}
