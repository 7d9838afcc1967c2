import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { eventsSince, newestEvent, refusalOf, startSandbox } from './simulator-fixture.ts';

const price = { amount: 2_000, currency: 'usd' } as const;

/** A customer with a card that is attached. */
async function customerWith(stripe: Stripe, card: string): Promise<{ customer: string; method: string }> {
  const { id: customer } = await stripe.customers.create({ email: 'payer@example.com' });
  const { id: method } = await stripe.paymentMethods.attach(card, { customer });
  return { customer, method };
}

async function typesSince(stripe: Stripe, mark: string | undefined): Promise<string[]> {
  return (await eventsSince(stripe, mark)).map(({ type }) => type);
}

describe('a payment intent', () => {
  it('that is created and confirmed at once is paid by one charge', async () => {
    const { stripe } = await startSandbox();
    const { customer, method } = await customerWith(stripe, 'pm_card_visa');
    const mark = await newestEvent(stripe);
    const intent = await stripe.paymentIntents.create({
      ...price,
      customer,
      payment_method: method,
      confirm: true,
      description: 'ten licences',
      metadata: { order: '7' },
      expand: ['latest_charge'],
    });
    expect(intent).toMatchObject({
      amount_received: 2_000,
      capture_method: 'automatic_async',
      last_payment_error: null,
      next_action: null,
      payment_method: method,
      status: 'succeeded',
    });
    expect(intent.latest_charge).toMatchObject({
      amount_captured: 2_000,
      captured: true,
      customer,
      description: 'ten licences',
      metadata: { order: '7' },
      outcome: { type: 'authorized', network_status: 'approved_by_network' },
      paid: true,
      payment_intent: intent.id,
      payment_method_details: { type: 'card', card: { brand: 'visa', last4: '4242' } },
      status: 'succeeded',
    });
    expect(await typesSince(stripe, mark)).toEqual([
      'payment_intent.created',
      'charge.succeeded',
      'payment_intent.succeeded',
    ]);
  });

  it('goes from no payment method over confirmation to paid', async () => {
    const { stripe } = await startSandbox();
    const intent = await stripe.paymentIntents.create(price);
    expect(intent).toMatchObject({ status: 'requires_payment_method', payment_method: null });
    const updated = await stripe.paymentIntents.update(intent.id, {
      amount: 2_500,
      payment_method: 'pm_card_mastercard',
    });
    expect(updated).toMatchObject({ status: 'requires_confirmation', amount: 2_500 });
    const paid = await stripe.paymentIntents.confirm(intent.id);
    expect(paid).toMatchObject({ status: 'succeeded', amount_received: 2_500 });
    expect(await refusalOf(stripe.paymentIntents.confirm(intent.id))).toMatchObject({
      statusCode: 400,
      code: 'payment_intent_unexpected_state',
      raw: { payment_intent: { id: intent.id } },
    });
    expect(await refusalOf(stripe.paymentIntents.update(intent.id, { amount: 1 }))).toMatchObject({
      code: 'payment_intent_unexpected_state',
      param: 'amount',
    });
  });

  it('that is declined is a 402 with everything about it, is remembered, and can be paid afterwards', async () => {
    const { stripe } = await startSandbox();
    const { customer, method } = await customerWith(stripe, 'pm_card_chargeCustomerFail');
    const mark = await newestEvent(stripe);
    const refusal = await refusalOf(
      stripe.paymentIntents.create({ ...price, customer, payment_method: method, confirm: true }),
    );
    const [intent] = (await stripe.paymentIntents.list({ customer })).data;
    const [charge] = (await stripe.charges.list({ customer })).data;
    expect(refusal).toMatchObject({
      type: 'StripeCardError',
      statusCode: 402,
      code: 'card_declined',
      decline_code: 'generic_decline',
      message: 'Your card was declined.',
      doc_url: 'https://stripe.com/docs/error-codes/card-declined',
      charge: charge?.id,
      payment_intent: { id: intent?.id, status: 'requires_payment_method', payment_method: null },
      payment_method: { id: method },
      raw: { advice_code: 'try_again_later' },
    });
    expect(intent).toMatchObject({
      latest_charge: charge?.id,
      last_payment_error: {
        type: 'card_error',
        code: 'card_declined',
        charge: charge?.id,
        payment_method: { id: method },
      },
    });
    expect(charge).toMatchObject({
      captured: false,
      failure_code: 'card_declined',
      failure_message: 'Your card was declined.',
      outcome: { type: 'issuer_declined', reason: 'generic_decline', network_status: 'declined_by_network' },
      paid: false,
      status: 'failed',
    });
    expect(await typesSince(stripe, mark)).toEqual([
      'payment_intent.created',
      'charge.failed',
      'payment_intent.payment_failed',
    ]);
    const paid = await stripe.paymentIntents.confirm(intent?.id ?? '', { payment_method: 'pm_card_visa' });
    expect(paid).toMatchObject({ status: 'succeeded', last_payment_error: null });
    expect((await stripe.charges.list({ payment_intent: paid.id })).data).toHaveLength(2);
  });

  it('answers the same decline again under the same idempotency key, with one charge', async () => {
    const { stripe } = await startSandbox();
    const { customer, method } = await customerWith(stripe, 'pm_card_chargeCustomerFail');
    const pay = (): Promise<Stripe.errors.StripeError> =>
      refusalOf(
        stripe.paymentIntents.create(
          { ...price, customer, payment_method: method, confirm: true },
          { idempotencyKey: 'pay-1' },
        ),
      );
    const [first, second] = [await pay(), await pay()];
    expect(second.charge).toBe(first.charge);
    expect(second.headers).toMatchObject({ 'idempotent-replayed': 'true' });
    expect((await stripe.charges.list({ customer })).data).toHaveLength(1);
  });

  it.each([
    ['pm_card_visa_chargeDeclinedInsufficientFunds', 'card_declined', 'insufficient_funds'],
    ['pm_card_visa_chargeDeclinedLostCard', 'card_declined', 'lost_card'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card', 'expired_card'],
    ['pm_card_chargeDeclinedIncorrectCvc', 'incorrect_cvc', 'incorrect_cvc'],
    ['pm_card_chargeDeclinedProcessingError', 'processing_error', 'processing_error'],
    ['pm_card_chargeDeclinedFraudulent', 'card_declined', 'fraudulent'],
  ])('is declined by %s, which nobody keeps, with %s and %s', async (card, code, declineCode) => {
    const { stripe } = await startSandbox();
    const call = stripe.paymentIntents.create({ ...price, payment_method: card, confirm: true });
    expect(await refusalOf(call)).toMatchObject({ statusCode: 402, code, decline_code: declineCode });
  });

  it('is held until it is captured, wholly or in part, or canceled', async () => {
    const { stripe } = await startSandbox();
    const hold = (): Promise<Stripe.PaymentIntent> =>
      stripe.paymentIntents.create({
        ...price,
        payment_method: 'pm_card_visa',
        capture_method: 'manual',
        confirm: true,
      });
    const mark = await newestEvent(stripe);
    const held = await hold();
    expect(held).toMatchObject({
      status: 'requires_capture',
      amount_capturable: 2_000,
      amount_received: 0,
    });
    const tooMuch = stripe.paymentIntents.capture(held.id, { amount_to_capture: 2_001 });
    expect(await refusalOf(tooMuch)).toMatchObject({ code: 'amount_too_large' });
    const captured = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1_500 });
    expect(captured).toMatchObject({ status: 'succeeded', amount_capturable: 0, amount_received: 1_500 });
    expect(await refusalOf(stripe.paymentIntents.capture(held.id))).toMatchObject({
      code: 'payment_intent_unexpected_state',
    });
    expect(await typesSince(stripe, mark)).toEqual([
      'payment_intent.created',
      'charge.succeeded',
      'payment_intent.amount_capturable_updated',
      'charge.captured',
      'payment_intent.succeeded',
    ]);
    const canceled = await stripe.paymentIntents.cancel((await hold()).id, {
      cancellation_reason: 'duplicate',
    });
    expect(canceled).toMatchObject({
      status: 'canceled',
      cancellation_reason: 'duplicate',
      amount_capturable: 0,
    });
    expect(await refusalOf(stripe.paymentIntents.cancel(canceled.id))).toMatchObject({
      code: 'payment_intent_unexpected_state',
    });
  });

  it('takes no payment_method_types any more', async () => {
    const { stripe } = await startSandbox();
    const withTypes = { ...price, payment_method_types: ['card'] };
    for (const call of [
      stripe.paymentIntents.create(withTypes),
      stripe.setupIntents.create({ payment_method_types: ['card'] } as Stripe.SetupIntentCreateParams),
    ]) {
      expect(await refusalOf(call)).toMatchObject({
        statusCode: 400,
        code: 'payment_method_types_no_longer_supported',
      });
    }
  });

  it("refuses another customer's card, a used one, and none at all", async () => {
    const { stripe } = await startSandbox();
    const { method } = await customerWith(stripe, 'pm_card_visa');
    const { customer } = await customerWith(stripe, 'pm_card_visa');
    const loose = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } });
    const pay = (more: Partial<Stripe.PaymentIntentCreateParams>): Promise<Stripe.PaymentIntent> =>
      stripe.paymentIntents.create({ ...price, confirm: true, ...more });
    await pay({ payment_method: loose.id });
    for (const [wrong, words] of [
      [{ customer, payment_method: method }, 'does not belong to the Customer you supplied'],
      [{ payment_method: method }, 'belongs to the Customer'],
      [{ payment_method: loose.id }, 'may not be used again'],
      [{}, 'missing a payment method'],
      [{ customer: 'cus_none' }, "No such customer: 'cus_none'"],
    ] as const) {
      const refusal = await refusalOf(pay(wrong));
      expect(refusal.statusCode).toBe(400);
      expect(refusal.message).toContain(words);
    }
  });

  it('keeps its card for the customer when it is set up for the future', async () => {
    const { stripe } = await startSandbox();
    const { id: customer } = await stripe.customers.create({});
    const mark = await newestEvent(stripe);
    const intent = await stripe.paymentIntents.create({
      ...price,
      customer,
      payment_method: 'pm_card_visa',
      setup_future_usage: 'off_session',
      confirm: true,
    });
    const methods = await stripe.customers.listPaymentMethods(customer);
    expect(methods.data.map(({ id }) => id)).toEqual([intent.payment_method]);
    expect(await typesSince(stripe, mark)).toEqual([
      'payment_intent.created',
      'charge.succeeded',
      'payment_method.attached',
      'payment_intent.succeeded',
    ]);
  });
});

describe('a card that wants authentication', () => {
  it('leaves the intent waiting, until the customer passes', async () => {
    const { stripe, control } = await startSandbox();
    const { customer, method } = await customerWith(stripe, 'pm_card_authenticationRequired');
    const mark = await newestEvent(stripe);
    const intent = await stripe.paymentIntents.create({
      ...price,
      customer,
      payment_method: method,
      confirm: true,
    });
    expect(intent).toMatchObject({
      status: 'requires_action',
      latest_charge: null,
      next_action: { type: 'use_stripe_sdk' },
      payment_method: method,
    });
    await control.authenticatePayment(intent.id, { succeeds: true });
    const paid = await stripe.paymentIntents.retrieve(intent.id, { expand: ['latest_charge'] });
    expect(paid).toMatchObject({
      status: 'succeeded',
      next_action: null,
      latest_charge: {
        payment_method_details: { card: { three_d_secure: { result: 'authenticated' } } },
      },
    });
    expect(await typesSince(stripe, mark)).toEqual([
      'payment_intent.created',
      'payment_intent.requires_action',
      'charge.succeeded',
      'payment_intent.succeeded',
    ]);
  });

  it('fails without a charge when the customer does not pass', async () => {
    const { stripe, control } = await startSandbox();
    const intent = await stripe.paymentIntents.create({
      ...price,
      payment_method: 'pm_card_threeDSecure2Required',
      confirm: true,
      return_url: 'https://example.com/back',
    });
    expect(intent.next_action).toMatchObject({ type: 'redirect_to_url' });
    const mark = await newestEvent(stripe);
    await control.authenticatePayment(intent.id, { succeeds: false });
    expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({
      status: 'requires_payment_method',
      latest_charge: null,
      last_payment_error: { code: 'payment_intent_authentication_failure' },
    });
    expect(await typesSince(stripe, mark)).toEqual(['payment_intent.payment_failed']);
  });

  it('is declined without the customer, and when the request can not wait for them', async () => {
    const { stripe } = await startSandbox();
    const { customer, method } = await customerWith(stripe, 'pm_card_authenticationRequired');
    const pay = { ...price, customer, payment_method: method, confirm: true };
    expect(await refusalOf(stripe.paymentIntents.create({ ...pay, off_session: true }))).toMatchObject({
      statusCode: 402,
      code: 'authentication_required',
      decline_code: 'authentication_required',
      payment_intent: { status: 'requires_payment_method' },
    });
    const unwilling = stripe.paymentIntents.create({ ...pay, error_on_requires_action: true });
    expect(await refusalOf(unwilling)).toMatchObject({
      statusCode: 402,
      code: 'authentication_required',
      decline_code: 'authentication_not_handled',
    });
    expect((await stripe.charges.list({ customer })).data).toEqual([]);
  });

  it('pays without the customer once it has been set up', async () => {
    const { stripe, control } = await startSandbox();
    const { customer, method } = await customerWith(stripe, 'pm_card_authenticationRequiredOnSetup');
    const pay = { ...price, customer, payment_method: method, confirm: true, off_session: true };
    expect(await refusalOf(stripe.paymentIntents.create(pay))).toMatchObject({
      code: 'authentication_required',
    });
    const setup = await stripe.setupIntents.create({ customer, payment_method: method, confirm: true });
    await control.authenticatePayment(setup.id, { succeeds: true });
    expect(await stripe.paymentIntents.create(pay)).toMatchObject({ status: 'succeeded' });
  });

  it('may be declined after authentication', async () => {
    const { stripe, control } = await startSandbox();
    const intent = await stripe.paymentIntents.create({
      ...price,
      payment_method: 'pm_card_threeDSecureRequiredChargeDeclined',
      confirm: true,
    });
    await control.authenticatePayment(intent.id, { succeeds: true });
    expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({
      status: 'requires_payment_method',
      last_payment_error: { decline_code: 'generic_decline' },
    });
  });
});

describe('a bank debit', () => {
  it.each([
    [true, 'succeeded', ['charge.succeeded', 'payment_intent.succeeded']],
    [false, 'requires_payment_method', ['charge.failed', 'payment_intent.payment_failed']],
  ])('is processing until the bank settles it; paid: %s', async (paid, status, types) => {
    const { stripe, control } = await startSandbox();
    const { customer, method } = await customerWith(stripe, 'pm_usBankAccount');
    const mark = await newestEvent(stripe);
    const intent = await stripe.paymentIntents.create({
      ...price,
      customer,
      payment_method: method,
      confirm: true,
      mandate_data: { customer_acceptance: { type: 'offline', offline: {} } },
    });
    expect(intent.status).toBe('processing');
    expect(await stripe.charges.retrieve(String(intent.latest_charge))).toMatchObject({
      paid: false,
      payment_method_details: { type: 'us_bank_account' },
      status: 'pending',
    });
    expect(await refusalOf(stripe.paymentIntents.cancel(intent.id))).toMatchObject({ statusCode: 400 });
    await control.settlePayment(intent.id, { paid });
    expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({ status });
    expect(await typesSince(stripe, mark)).toEqual([
      'payment_intent.created',
      'charge.pending',
      'payment_intent.processing',
      ...types,
    ]);
  });
});

describe('the fate of payments', () => {
  it('comes before the card: the next one as told, then every one, until it is cleared', async () => {
    const { stripe, control } = await startSandbox();
    const { customer, method } = await customerWith(stripe, 'pm_card_visa');
    const bystander = await customerWith(stripe, 'pm_card_visa');
    const pay = (payer: { customer: string; method: string }): Promise<Stripe.PaymentIntent> =>
      stripe.paymentIntents.create({
        ...price,
        customer: payer.customer,
        payment_method: payer.method,
        confirm: true,
      });
    const payer = { customer, method };
    const insufficient = { kind: 'decline', decline_code: 'insufficient_funds' } as const;
    await control.setPaymentFate({
      customer,
      payments: 'every',
      outcome: { kind: 'require_authentication' },
    });
    await control.setPaymentFate({ customer, payments: 2, outcome: insufficient });
    await control.setPaymentFate({ customer, payments: 'next', outcome: { kind: 'process' } });
    expect(await refusalOf(pay(payer))).toMatchObject({ decline_code: 'insufficient_funds' });
    expect(await pay(bystander)).toMatchObject({ status: 'succeeded' });
    expect(await refusalOf(pay(payer))).toMatchObject({ decline_code: 'insufficient_funds' });
    expect(await pay(payer)).toMatchObject({ status: 'processing' });
    expect(await pay(payer)).toMatchObject({ status: 'requires_action' });
    expect(await pay(payer)).toMatchObject({ status: 'requires_action' });
    await control.clearPaymentFates();
    expect(await pay(payer)).toMatchObject({ status: 'succeeded' });
  });

  it('makes a failing card pay, and an own code be told', async () => {
    const { stripe, control } = await startSandbox();
    const { customer, method } = await customerWith(stripe, 'pm_card_chargeCustomerFail');
    const pay = { ...price, customer, payment_method: method, confirm: true };
    await control.setPaymentFate({ customer, payments: 'next', outcome: { kind: 'succeed' } });
    expect(await stripe.paymentIntents.create(pay)).toMatchObject({ status: 'succeeded' });
    const outcome = { kind: 'decline', decline_code: 'new_account_information_available' } as const;
    await control.setPaymentFate({ customer, payments: 'next', outcome });
    expect(await refusalOf(stripe.paymentIntents.create(pay))).toMatchObject({
      code: 'card_declined',
      decline_code: 'new_account_information_available',
    });
  });

  it('of pm_card_simulator_failsAfterFirst is to pay once and never again', async () => {
    const { stripe } = await startSandbox();
    const { customer, method } = await customerWith(stripe, 'pm_card_simulator_failsAfterFirst');
    const pay = { ...price, customer, payment_method: method, confirm: true };
    expect(await stripe.paymentIntents.create(pay)).toMatchObject({ status: 'succeeded' });
    for (const _again of [1, 2]) {
      expect(await refusalOf(stripe.paymentIntents.create(pay))).toMatchObject({ code: 'card_declined' });
    }
  });

  it('is refused for an outcome that there is not', async () => {
    const { control } = await startSandbox();
    const wrong = { customer: 'cus_1', payments: 'next', outcome: { kind: 'explode' } };
    await expect(control.setPaymentFate(wrong as never)).rejects.toThrow('422');
    await expect(control.settlePayment('pi_none', { paid: true })).rejects.toThrow('no payment intent');
  });
});
