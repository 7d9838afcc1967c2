import type Stripe from 'stripe';
import { first, type Guide } from './guide.ts';

const price = { amount: 2_000, currency: 'usd' } as const;

/** Setup intents, payment intents, charges, refunds and disputes. */
export async function tourPayments({ stripe, control }: Guide): Promise<void> {
  const customer = await stripe.customers.create({ email: 'payer@example.com' });
  await setUp(stripe, customer.id);
  await pay(stripe, customer.id);
  await wait({ stripe, control }, customer.id);
  await takeBack(stripe, customer.id);
}

async function setUp(stripe: Stripe, customer: string): Promise<void> {
  const setup = await stripe.setupIntents.create({ customer, description: 'a card for later' });
  await stripe.setupIntents.update(setup.id, { payment_method: 'pm_card_visa' });
  await stripe.setupIntents.confirm(setup.id);
  await stripe.setupIntents.retrieve(setup.id, { expand: ['payment_method', 'customer'] });
  await stripe.setupIntents.cancel((await stripe.setupIntents.create()).id);
  await stripe.setupIntents.list({ customer });
}

async function pay(stripe: Stripe, customer: string): Promise<void> {
  const intent = await stripe.paymentIntents.create({
    ...price,
    customer,
    shipping: { name: 'A. Payer', address: { line1: '1 Main Street', country: 'GB' } },
  });
  await stripe.paymentIntents.update(intent.id, { metadata: { order: '7' } });
  const failing = stripe.paymentIntents.confirm(intent.id, { payment_method: 'pm_card_chargeDeclined' });
  await failing.catch((error: Stripe.errors.StripeError) => error.code);
  await stripe.paymentIntents.confirm(intent.id, { payment_method: 'pm_card_visa' });
  await stripe.paymentIntents.retrieve(intent.id, { expand: ['latest_charge', 'payment_method'] });
  const held = await stripe.paymentIntents.create({
    ...price,
    payment_method: 'pm_card_amex',
    capture_method: 'manual',
    confirm: true,
  });
  await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1_000 });
  await stripe.paymentIntents.cancel((await stripe.paymentIntents.create(price)).id);
  await stripe.paymentIntents.list({ customer });
  const charge = first((await stripe.charges.list({ payment_intent: intent.id })).data);
  await stripe.charges.update(charge.id, { description: 'ten licences' });
}

/** What a bank or a customer has to do first. */
async function wait({ stripe, control }: Guide, customer: string): Promise<void> {
  for (const succeeds of [true, false]) {
    const asking = await stripe.paymentIntents.create({
      ...price,
      customer,
      payment_method: 'pm_card_threeDSecure2Required',
      confirm: true,
      return_url: 'https://example.com/back',
    });
    await control.authenticatePayment(asking.id, { succeeds });
    const account = await stripe.paymentMethods.create({
      type: 'us_bank_account',
      us_bank_account: { account_number: '000123456789', routing_number: '110000000' },
      billing_details: { name: 'A. Payer' },
    });
    const debit = await stripe.paymentIntents.create({
      ...price,
      customer,
      payment_method: account.id,
      confirm: true,
    });
    await control.settlePayment(debit.id, { paid: succeeds });
  }
}

async function takeBack(stripe: Stripe, customer: string): Promise<void> {
  const paid = await stripe.paymentIntents.create({
    ...price,
    customer,
    payment_method: 'pm_card_mastercard',
    confirm: true,
  });
  const charge = String(paid.latest_charge);
  const refund = await stripe.refunds.create({ charge, amount: 500, reason: 'duplicate' });
  await stripe.refunds.update(refund.id, { metadata: { case: '1' } });
  await stripe.refunds.retrieve(refund.id, { expand: ['charge', 'payment_intent'] });
  await stripe.refunds.list({ charge });
  await stripe.charges.retrieve(charge, { expand: ['refunds'] });
  await stripe.rawRequest('GET', `/v1/charges/${charge}/refunds`);
  for (const card of ['pm_card_createDispute', 'pm_card_createDisputeProductNotReceived']) {
    await stripe.paymentIntents.create({ ...price, payment_method: card, confirm: true });
  }
  const [won, lost] = (await stripe.disputes.list({ limit: 2 })).data;
  if (!won || !lost) throw new Error('there are no disputes');
  await stripe.disputes.update(won.id, { evidence: { uncategorized_text: 'winning_evidence' } });
  await stripe.disputes.retrieve(won.id, { expand: ['charge'] });
  await stripe.disputes.close(lost.id);
}
