import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { eventsSince, newestEvent, refusalOf, startSandbox } from './simulator-fixture.ts';

async function customerOf(stripe: Stripe): Promise<string> {
  return (await stripe.customers.create({ email: 'payer@example.com' })).id;
}

describe('a test token', () => {
  it('makes a fresh payment method for each customer that it is attached to', async () => {
    const { stripe } = await startSandbox();
    const [one, other] = [await customerOf(stripe), await customerOf(stripe)];
    const mark = await newestEvent(stripe);
    const first = await stripe.paymentMethods.attach('pm_card_visa', { customer: one });
    const second = await stripe.paymentMethods.attach('pm_card_visa', { customer: other });
    expect(first).toMatchObject({
      type: 'card',
      customer: one,
      card: { brand: 'visa', last4: '4242', funding: 'credit', checks: { cvc_check: 'pass' } },
    });
    expect(second.id).not.toBe(first.id);
    expect(second.card?.fingerprint).toBe(first.card?.fingerprint);
    const events = await eventsSince(stripe, mark);
    expect(events.map(({ type }) => type)).toEqual(['payment_method.attached', 'payment_method.attached']);
  });

  it.each([
    ['pm_card_chargeDeclined', 'card_declined', 'generic_decline', undefined, 'try_again_later'],
    ['pm_card_visa_chargeDeclined', 'card_declined', 'generic_decline', undefined, 'try_again_later'],
    [
      'pm_card_visa_chargeDeclinedInsufficientFunds',
      'card_declined',
      'insufficient_funds',
      undefined,
      'try_again_later',
    ],
    ['pm_card_visa_chargeDeclinedLostCard', 'card_declined', 'lost_card', undefined, 'do_not_try_again'],
    ['pm_card_visa_chargeDeclinedStolenCard', 'card_declined', 'stolen_card', undefined, 'do_not_try_again'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card', 'expired_card', 'exp_month', 'confirm_card_data'],
    ['pm_card_chargeDeclinedIncorrectCvc', 'incorrect_cvc', 'incorrect_cvc', 'cvc', 'confirm_card_data'],
    [
      'pm_card_chargeDeclinedProcessingError',
      'processing_error',
      'processing_error',
      undefined,
      'try_again_later',
    ],
    ['pm_card_chargeDeclinedFraudulent', 'card_declined', 'fraudulent', undefined, undefined],
  ])('%s is refused when it is attached: %s, %s', async (token, code, declineCode, param, advice) => {
    const { stripe } = await startSandbox();
    const customer = await customerOf(stripe);
    const refusal = await refusalOf(stripe.paymentMethods.attach(token, { customer }));
    expect(refusal).toMatchObject({
      type: 'StripeCardError',
      statusCode: 402,
      code,
      decline_code: declineCode,
      param,
      raw: { ...(advice ? { advice_code: advice } : {}) },
    });
    expect(refusal.doc_url).toContain(code.replaceAll('_', '-'));
    expect((await stripe.customers.listPaymentMethods(customer)).data).toEqual([]);
  });

  it('pm_card_chargeCustomerFail attaches all the same', async () => {
    const { stripe } = await startSandbox();
    const customer = await customerOf(stripe);
    const method = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
    expect(method).toMatchObject({ customer, card: { last4: '0341' } });
  });
});

describe('a payment method', () => {
  it('is made from a card token, a test number or a bank account, and belongs to nobody', async () => {
    const { stripe } = await startSandbox();
    const byToken = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_mastercard' } });
    const byNumber = await stripe.paymentMethods.create({
      type: 'card',
      card: { number: '4000 0000 0000 0341', exp_month: 12, exp_year: 2034, cvc: '123' },
      billing_details: { name: 'A. Payer', address: { country: 'DE' } },
    });
    const account = await stripe.paymentMethods.create({
      type: 'us_bank_account',
      us_bank_account: {
        account_number: '000123456789',
        routing_number: '110000000',
        account_holder_type: 'company',
      },
      billing_details: { name: 'A. Payer' },
    });
    expect(byToken).toMatchObject({ customer: null, card: { brand: 'mastercard', last4: '4444' } });
    expect(byNumber).toMatchObject({
      customer: null,
      card: { last4: '0341', exp_month: 12, exp_year: 2034, checks: { cvc_check: 'unchecked' } },
      billing_details: { name: 'A. Payer', email: null, address: { country: 'DE', city: null } },
    });
    expect(account).toMatchObject({
      type: 'us_bank_account',
      us_bank_account: { last4: '6789', account_holder_type: 'company' },
    });
  });

  it.each([
    [{ number: '4242424242424241', exp_month: 12, exp_year: 2034 }, 'incorrect_number', 'number'],
    [{ number: '4000000000000010', exp_month: 12, exp_year: 2034 }, 'card_declined', undefined],
    [{ number: '4242424242424242', exp_month: 13, exp_year: 2034 }, 'invalid_expiry_month', 'exp_month'],
    [{ number: '4242424242424242', exp_month: 1, exp_year: 2019 }, 'invalid_expiry_year', 'exp_year'],
  ])('is refused for the card %o: %s', async (card, code, param) => {
    const { stripe } = await startSandbox();
    const refusal = await refusalOf(stripe.paymentMethods.create({ type: 'card', card }));
    expect(refusal).toMatchObject({ type: 'StripeCardError', statusCode: 402, code, param });
  });

  it('is attached once: again to the same customer changes nothing, to another is refused', async () => {
    const { stripe } = await startSandbox();
    const [one, other] = [await customerOf(stripe), await customerOf(stripe)];
    const method = await stripe.paymentMethods.attach('pm_card_visa', { customer: one });
    const mark = await newestEvent(stripe);
    expect(await stripe.paymentMethods.attach(method.id, { customer: one })).toMatchObject({ id: method.id });
    expect(await refusalOf(stripe.paymentMethods.attach(method.id, { customer: other }))).toMatchObject({
      statusCode: 400,
      message: 'The payment method you provided has already been attached to a customer.',
    });
    expect(await eventsSince(stripe, mark)).toEqual([]);
  });

  it('is detached for good, also as the default of its customer', async () => {
    const { stripe } = await startSandbox();
    const customer = await customerOf(stripe);
    const { id } = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    await stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
    const mark = await newestEvent(stripe);
    expect(await stripe.paymentMethods.detach(id)).toMatchObject({ id, customer: null });
    const events = await eventsSince(stripe, mark);
    expect(events.map(({ type }) => type)).toEqual(['payment_method.detached', 'customer.updated']);
    expect(events[0]?.data.previous_attributes).toEqual({ customer });
    expect(events[1]?.data.previous_attributes).toEqual({ invoice_settings: { default_payment_method: id } });
    expect(await refusalOf(stripe.paymentMethods.detach(id))).toMatchObject({ statusCode: 400 });
    const again = await refusalOf(stripe.paymentMethods.attach(id, { customer }));
    expect(again).toMatchObject({ statusCode: 400 });
    expect(again.message).toContain('may not be used again');
  });

  it('tells by its event what an update changed, and can be updated only when it is attached', async () => {
    const { stripe } = await startSandbox();
    const loose = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } });
    expect(await refusalOf(stripe.paymentMethods.update(loose.id, { metadata: { a: '1' } }))).toMatchObject({
      statusCode: 400,
    });
    const customer = await customerOf(stripe);
    const { id } = await stripe.paymentMethods.attach(loose.id, { customer });
    const mark = await newestEvent(stripe);
    const updated = await stripe.paymentMethods.update(id, {
      card: { exp_month: 3, exp_year: 2040 },
      billing_details: { email: 'new@example.com' },
    });
    expect(updated).toMatchObject({ card: { exp_month: 3, exp_year: 2040 } });
    const [event] = await eventsSince(stripe, mark);
    expect(event).toMatchObject({
      type: 'payment_method.updated',
      data: { previous_attributes: { billing_details: { email: null } } },
    });
  });

  it('is found in the lists of its customer, newest first and by type', async () => {
    const { stripe } = await startSandbox();
    const customer = await customerOf(stripe);
    const card = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    const bank = await stripe.paymentMethods.attach('pm_usBankAccount', { customer });
    const all = await stripe.paymentMethods.list({ customer });
    const cards = await stripe.customers.listPaymentMethods(customer, { type: 'card' });
    expect(all.data.map(({ id }) => id)).toEqual([bank.id, card.id]);
    expect(cards.data.map(({ id }) => id)).toEqual([card.id]);
    expect((await stripe.paymentMethods.list()).data).toEqual([]);
    expect(await stripe.customers.retrievePaymentMethod(customer, card.id)).toMatchObject({ id: card.id });
    const other = await customerOf(stripe);
    expect(await refusalOf(stripe.customers.retrievePaymentMethod(other, card.id))).toMatchObject({
      statusCode: 404,
    });
    expect(await refusalOf(stripe.paymentMethods.retrieve('pm_none'))).toMatchObject({
      statusCode: 404,
      param: 'payment_method',
    });
  });
});

describe('the default payment method of a customer', () => {
  it('can be set with a token when the customer is created', async () => {
    const { stripe } = await startSandbox();
    const mark = await newestEvent(stripe);
    const customer = await stripe.customers.create({
      payment_method: 'pm_card_visa',
      invoice_settings: { default_payment_method: 'pm_card_visa' },
      expand: ['invoice_settings.default_payment_method'],
    });
    expect(customer.invoice_settings.default_payment_method).toMatchObject({
      customer: customer.id,
      card: { last4: '4242' },
    });
    const events = await eventsSince(stripe, mark);
    expect(events.map(({ type }) => type)).toEqual(['payment_method.attached', 'customer.created']);
  });

  it('must be attached to the customer', async () => {
    const { stripe } = await startSandbox();
    const [one, other] = [await customerOf(stripe), await customerOf(stripe)];
    const { id } = await stripe.paymentMethods.attach('pm_card_visa', { customer: other });
    for (const wrong of [id, 'pm_card_visa', 'pm_none']) {
      const update = stripe.customers.update(one, { invoice_settings: { default_payment_method: wrong } });
      expect(await refusalOf(update)).toMatchObject({
        statusCode: 400,
        code: 'resource_missing',
        param: 'invoice_settings[default_payment_method]',
      });
    }
  });
});

describe('a setup intent', () => {
  it('attaches its method to the customer when it succeeds', async () => {
    const { stripe } = await startSandbox();
    const customer = await customerOf(stripe);
    const mark = await newestEvent(stripe);
    const intent = await stripe.setupIntents.create({
      customer,
      payment_method: 'pm_card_visa',
      confirm: true,
    });
    expect(intent).toMatchObject({ status: 'succeeded', usage: 'off_session' });
    const methods = await stripe.customers.listPaymentMethods(customer);
    expect(methods.data.map(({ id }) => id)).toEqual([intent.payment_method]);
    const events = await eventsSince(stripe, mark);
    expect(events.map(({ type }) => type)).toEqual([
      'setup_intent.created',
      'payment_method.attached',
      'setup_intent.succeeded',
    ]);
  });

  it('remembers a refused card and takes the next one', async () => {
    const { stripe } = await startSandbox();
    const customer = await customerOf(stripe);
    const mark = await newestEvent(stripe);
    const intent = await stripe.setupIntents.create({ customer });
    expect(intent.status).toBe('requires_payment_method');
    const declined = stripe.setupIntents.confirm(intent.id, { payment_method: 'pm_card_chargeDeclined' });
    expect(await refusalOf(declined)).toMatchObject({
      statusCode: 402,
      code: 'card_declined',
      raw: { setup_intent: { id: intent.id, status: 'requires_payment_method', payment_method: null } },
    });
    expect(await stripe.setupIntents.retrieve(intent.id)).toMatchObject({
      last_setup_error: { code: 'card_declined', decline_code: 'generic_decline' },
    });
    const done = await stripe.setupIntents.confirm(intent.id, { payment_method: 'pm_card_visa' });
    expect(done).toMatchObject({ status: 'succeeded', last_setup_error: null });
    const events = await eventsSince(stripe, mark);
    expect(events.map(({ type }) => type)).toEqual([
      'setup_intent.created',
      'setup_intent.setup_failed',
      'payment_method.attached',
      'setup_intent.succeeded',
    ]);
  });

  it('waits for a customer who has to authenticate, until they do or fail', async () => {
    const { stripe, control } = await startSandbox();
    const customer = await customerOf(stripe);
    const passing = await stripe.setupIntents.create({
      customer,
      payment_method: 'pm_card_authenticationRequiredOnSetup',
      confirm: true,
      return_url: 'https://example.com/back',
    });
    expect(passing).toMatchObject({
      status: 'requires_action',
      next_action: { type: 'redirect_to_url', redirect_to_url: { return_url: 'https://example.com/back' } },
    });
    await control.authenticatePayment(passing.id, { succeeds: true });
    expect(await stripe.setupIntents.retrieve(passing.id)).toMatchObject({ status: 'succeeded' });
    const failing = await stripe.setupIntents.create({
      customer,
      payment_method: 'pm_card_authenticationRequired',
      confirm: true,
    });
    await control.authenticatePayment(failing.id, { succeeds: false });
    expect(await stripe.setupIntents.retrieve(failing.id)).toMatchObject({
      status: 'requires_payment_method',
      payment_method: null,
      last_setup_error: { code: 'setup_intent_authentication_failure' },
    });
  });

  it('can be updated and canceled only while it is open', async () => {
    const { stripe } = await startSandbox();
    const customer = await customerOf(stripe);
    const open = await stripe.setupIntents.create({ customer, description: 'first' });
    const updated = await stripe.setupIntents.update(open.id, {
      payment_method: 'pm_card_visa',
      metadata: { a: '1' },
    });
    expect(updated).toMatchObject({ status: 'requires_confirmation', metadata: { a: '1' } });
    const canceled = await stripe.setupIntents.cancel(open.id, { cancellation_reason: 'abandoned' });
    expect(canceled).toMatchObject({ status: 'canceled', cancellation_reason: 'abandoned' });
    for (const call of [stripe.setupIntents.cancel(open.id), stripe.setupIntents.confirm(open.id)]) {
      expect(await refusalOf(call)).toMatchObject({ statusCode: 400, code: 'setup_intent_unexpected_state' });
    }
    const listed = await stripe.setupIntents.list({ customer });
    expect(listed.data.map(({ id }) => id)).toEqual([open.id]);
  });
});
