import type { Stack } from '../stack.ts';
import type { Observer } from './observer.ts';
import { buyInCheckout, openStore, type Sale, type Store } from './store.ts';
import type { Timeline } from './timeline.ts';
import { unpaidRenewal } from './unpaid-renewal.ts';

const MAIL_PATIENCE_MS = 20_000;

type Scene = { stack: Stack; observer: Observer; store: Store; timeline: Timeline };

/** The whole life of a tenant, and two others on the way; every number is checked. */
export async function tellStory(options: {
  stack: Stack;
  observer: Observer;
  timeline: Timeline;
}): Promise<void> {
  const scene = { ...options, store: openStore(options.stack) };
  const sale = await purchase(scene);
  await upgrade(scene, sale);
  await chaoticWebhooks(scene, sale);
  await decrease(scene, sale);
  await checkoutAlone(scene);
  await eventBeforeTenant(scene);
  await cancellation(scene, sale);
  await unpaidRenewal(scene);
  const { timeline, observer } = scene;
  timeline.chapter('The end');
  timeline.check('tenants in the database', await observer.countTenants(), 4);
}

async function purchase({ stack, observer, store, timeline }: Scene): Promise<Sale> {
  timeline.chapter('The store sells 10 licences and posts the checkout');
  const sale = await store.sell({ email: 'ada@example.com', name: 'Analytical Engines', licenses: 10 });
  timeline.event(`customer ${sale.customer}, subscription ${sale.subscription}`);
  const { workflowId } = await store.checkOut(sale);
  timeline.event(`202, workflow ${workflowId}`);
  const { tenant } = await observer.untilTenant('the tenant is up', sale.customer, () => true);
  timeline.event(`tenant ${tenant}`);
  const mail = await stack.mail.waitForMessage(
    (message) => message.to.includes(sale.email),
    MAIL_PATIENCE_MS,
  );
  timeline.event(`mail to ${sale.email}: ${mail.subject}`);
  const up = await observer.untilTenant('licences', sale.customer, (row) => row.licensed_user_count === 10);
  timeline.check('licences', up.licensed_user_count, 10);
  await store.checkOut(sale);
  timeline.check('tenants after the same checkout again', await observer.countTenants(), 1);
  return sale;
}

async function upgrade({ observer, store, timeline }: Scene, sale: Sale): Promise<void> {
  timeline.chapter('The customer upgrades to 25');
  await store.changeLicenses(sale, 25);
  const row = await observer.untilTenant(
    'licences',
    sale.customer,
    (seen) => seen.licensed_user_count === 25,
  );
  timeline.check('licences', row.licensed_user_count, 25);
}

async function chaoticWebhooks({ stack, observer, store, timeline }: Scene, sale: Sale): Promise<void> {
  timeline.chapter('Webhooks come twice and in the wrong order');
  const { control } = stack.simulator;
  await control.waitUntilIdle();
  await control.holdDeliveries();
  await store.changeLicenses(sale, 40);
  await store.changeLicenses(sale, 25);
  const eventIds = (await control.heldDeliveries()).map((delivery) => delivery.eventId).reverse();
  timeline.event(`held back: ${eventIds.join(', ')}`);
  const answers = await control.deliver({ eventIds, copies: 2 });
  timeline.event(`delivered newest first, each twice: ${answers.map((answer) => answer.status).join(' ')}`);
  await control.releaseDeliveries();
  await control.waitUntilIdle();
  await observer.untilEvents('every event is processed', sale.customer, allProcessed);
  timeline.check('licences', (await observer.tenantOf(sale.customer))?.licensed_user_count, 25);
}

async function decrease({ observer, store, timeline }: Scene, sale: Sale): Promise<void> {
  timeline.chapter('The customer needs only 8');
  await store.changeLicenses(sale, 8);
  const row = await observer.untilTenant('licences', sale.customer, (seen) => seen.licensed_user_count === 8);
  timeline.check('licences', row.licensed_user_count, 8);
}

async function checkoutAlone({ stack, observer, timeline }: Scene): Promise<void> {
  timeline.chapter('A second customer comes through Stripe Checkout, the store says nothing');
  const buyer = { email: 'grace@example.com', name: 'Compilers Inc', licenses: 3 };
  const { session, customer } = await buyInCheckout(stack, buyer);
  timeline.event(`session ${session} completed, customer ${customer}`);
  const row = await observer.untilTenant(
    'the tenant is up',
    customer,
    (seen) => seen.licensed_user_count === 3,
  );
  timeline.event(`tenant ${row.tenant}`);
  timeline.check('name', row.client_name, buyer.name);
  timeline.check('licences', row.licensed_user_count, 3);
}

async function eventBeforeTenant({ observer, store, timeline }: Scene): Promise<void> {
  timeline.chapter('Events come before their tenant');
  const sale = await store.sell({ email: 'alan@example.com', name: 'Bombe Works', licenses: 5 });
  await observer.untilEvents('the event is parked', sale.customer, (events) => events.some(isParked));
  timeline.event(`${sale.customer} is unknown: its event is parked`);
  await store.checkOut(sale);
  const events = await observer.untilEvents('the event is claimed', sale.customer, allProcessed);
  timeline.check('events processed', events.length > 0 && allProcessed(events), true);
  timeline.check('licences', (await observer.tenantOf(sale.customer))?.licensed_user_count, 5);
}

async function cancellation({ observer, store, timeline }: Scene, sale: Sale): Promise<void> {
  timeline.chapter('The first customer cancels');
  await store.cancel(sale);
  const row = await observer.untilTenant('licences', sale.customer, (seen) => seen.licensed_user_count === 0);
  timeline.check('licences', row.licensed_user_count, 0);
  timeline.check('access', row.access_state, 'canceled');
}

const isParked = (event: { status: string }) => event.status === 'parked';

function allProcessed(events: readonly { status: string }[]): boolean {
  return events.every((event) => event.status === 'processed');
}
