import { tourCatalog } from './catalog.ts';
import { tourCheckout } from './checkout.ts';
import { tourCustomers } from './customers.ts';
import { tourEvents } from './events.ts';
import type { TourPart } from './guide.ts';
import { tourInvoices } from './invoices.ts';
import { tourPayments } from './payments.ts';
import { tourPortal } from './portal.ts';
import { tourSearch } from './search.ts';
import { tourSubscriptions } from './subscriptions.ts';
import { tourTestClocks } from './test-clocks.ts';

/** All parts, by name. Every endpoint of the simulator is on the tour: a new one needs a place in one of them. */
export const tour: Readonly<Record<string, TourPart>> = {
  catalog: tourCatalog,
  customers: tourCustomers,
  payments: tourPayments,
  subscriptions: tourSubscriptions,
  invoices: tourInvoices,
  checkout: tourCheckout,
  portal: tourPortal,
  search: tourSearch,
  'test clocks': tourTestClocks,
  events: tourEvents,
};
