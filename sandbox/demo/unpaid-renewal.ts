import type { CaughtMessage } from '../mail/caught-messages.ts';
import type { Stack } from '../stack.ts';
import type { Observer } from './observer.ts';
import type { Store } from './store.ts';
import { DemoFailed, type Timeline } from './timeline.ts';

/** Where the demo's policy stands: stages that take seconds. */
export const DEMO_DUNNING_POLICY = 'sandbox/demo/dunning-policy.json';

const MAIL_PATIENCE_MS = 20_000;
/** A month and the hour for which Stripe holds the draft of a renewal. */
const UNTIL_RENEWAL_MS = (32 * 24 + 2) * 60 * 60 * 1000;
/** The page behind a mail's link, with a card that pays. */
const PAYMENT = new URLSearchParams({ card: 'pm_card_visa' });

/** A renewal fails; the customer is told, warned, restricted, pays by the link in the mail, and is back. */
export async function unpaidRenewal(scene: {
  stack: Stack;
  observer: Observer;
  store: Store;
  timeline: Timeline;
}): Promise<void> {
  const { stack, observer, store, timeline } = scene;
  const { control } = stack.simulator;
  timeline.chapter('A renewal fails, and nobody is cut off untold');
  const sale = await store.sell({ email: 'katherine@example.com', name: 'Orbit Office', licenses: 4 });
  await store.checkOut(sale);
  await observer.untilTenant('licences', sale.customer, (row) => row.licensed_user_count === 4);
  const told: CaughtMessage[] = [];
  /** The next mail to the customer; each is told of once. */
  const nextMail = async (): Promise<CaughtMessage> => {
    const message = await stack.mail.waitForMessage(
      (caught) => caught.to.includes(sale.email) && !told.includes(caught),
      MAIL_PATIENCE_MS,
    );
    told.push(message);
    timeline.event(`mail to ${sale.email}: ${message.subject}`);
    return message;
  };
  await nextMail();
  await control.setPaymentFate({
    customer: sale.customer,
    payments: 'every',
    outcome: { kind: 'decline', decline_code: 'insufficient_funds' },
  });
  await control.setTimeOffset(UNTIL_RENEWAL_MS);
  timeline.event('a month later the card has no money');
  for (const stage of ['payment failed', 'last warning']) {
    await nextMail();
    const tenant = await observer.tenantOf(sale.customer);
    timeline.check(`access after «${stage}»`, tenant?.access_state, 'active');
  }
  const restriction = await nextMail();
  await observer.untilTenant('access', sale.customer, (row) => row.access_state === 'restricted');
  timeline.check('access', (await observer.tenantOf(sale.customer))?.access_state, 'restricted');
  await control.clearPaymentFates();
  await payBy(linkIn(restriction));
  timeline.event('the customer follows the link in the mail and pays with another card');
  const back = await observer.untilTenant('access', sale.customer, (row) => row.access_state === 'active');
  timeline.check('access', back.access_state, 'active');
  timeline.check('licences', back.licensed_user_count, 4);
  await nextMail();
  await control.setTimeOffset(0);
}

function linkIn(message: CaughtMessage): string {
  const link = message.text.match(/https?:\/\/\S+\/i\/\S+/)?.[0];
  if (link === undefined) throw new DemoFailed('the mail has no link to pay');
  return link;
}

async function payBy(link: string): Promise<void> {
  const answer = await fetch(link, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: PAYMENT.toString(),
  });
  if (!answer.ok) throw new DemoFailed(`the page of the invoice answered ${answer.status}`);
}
