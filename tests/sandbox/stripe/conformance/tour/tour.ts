import { tourCatalog } from './catalog.ts';
import { tourCheckout } from './checkout.ts';
import { tourCustomers } from './customers.ts';
import { tourEvents } from './events.ts';
import type { TourPart } from './guide.ts';
import { tourPayments } from './payments.ts';
import { tourSubscriptions } from './subscriptions.ts';
import { tourTestClocks } from './test-clocks.ts';

/** All parts, by name. Every endpoint of the simulator is on the tour: a new one needs a place in one of them. */
export const tour: Readonly<Record<string, TourPart>> = {
  catalog: tourCatalog,
  customers: tourCustomers,
  payments: tourPayments,
  subscriptions: tourSubscriptions,
  checkout: tourCheckout,
  'test clocks': tourTestClocks,
  events: tourEvents,
};
