import { SNAPSHOT_SECRET, THIN_SECRET } from '../fake-gateway.ts';
import { type BadInputRow, delivery, eventAbout, eventText, NOTHING, RECEIVED } from './row.ts';

const TOO_LONG = 'x'.repeat(256);
const NO_EVENT = '400 not_an_event';
const PARKED = 'evt_1 parked unknown_customer';

/** A signed body: what is answered, and what is stored when it is 200. */
type EventCase = readonly [input: string, body: string, answer: string, stored?: string];

/** Fields without which it is no event, or no event that one could judge. */
const REFUSED: readonly EventCase[] = [
  ['no id', { id: undefined }],
  ['an id null', { id: null }],
  ['an id that is a number', { id: 1 }],
  ['an id that is an object', { id: { id: 'evt_1' } }],
  ['an id that is an array', { id: ['evt_1'] }],
  ['an empty id', { id: '' }],
  ['an id of 256 characters', { id: TOO_LONG }],
  ['an id with a line feed', { id: 'evt_1\n' }],
  ['no type', { type: undefined }],
  ['a type that is a number', { type: 1 }],
  ['an empty type', { type: '' }],
  ['a type of 256 characters', { type: TOO_LONG }],
  ['an object that is no event', { object: 'customer' }],
  ['an object that is an array', { object: ['event'] }],
  ['a livemode that is a string', { livemode: 'false' }],
  ['a livemode null', { livemode: null }],
  ['an account that is a number', { account: 1 }],
  ['an empty account', { account: '' }],
].map(([input, overrides]) => [
  String(input),
  eventText(overrides as object as Record<string, unknown>),
  NO_EVENT,
]);

/** Nobody can be found for them, or a field is of no weight. */
const KEPT: readonly EventCase[] = [
  ['no object', eventText({ object: undefined })],
  ['no livemode', eventText({ livemode: undefined })],
  ['an account null', eventText({ account: null })],
  ['an API version that is a number', eventText({ api_version: 2026 })],
  ['a date that is a string', eventText({ created: '2026-11-21' })],
  ['a negative date', eventText({ created: -1 })],
  ['a date beyond the year 9999', eventText({ created: 253_402_300_800 })],
  ['a date with a fraction', eventText({ created: 1.5 })],
  ['an unknown object type', eventAbout({ object: 'unicorn', customer: 'cus_1' })],
  ['a customer that is expanded', eventAbout({ customer: { id: 'cus_1', email: 'ada@example.com' } })],
  ['an unknown event type', eventText({ type: 'unicorn.saddled' }), '200', 'evt_1 ignored event_type'],
  ['no data', eventText({ data: undefined }), '200', PARKED],
  ['data null', eventText({ data: null }), '200', PARKED],
  ['data that is an array', eventText({ data: [{ customer: 'cus_1' }] }), '200', PARKED],
  ['data without an object', eventText({ data: {} }), '200', PARKED],
  ['an object null', eventAbout(null), '200', PARKED],
  ['an object that is a string', eventAbout('sub_1'), '200', PARKED],
  ['no customer', eventAbout({ id: 'sub_1' }), '200', PARKED],
  ['a customer null', eventAbout({ customer: null }), '200', PARKED],
  ['a customer that is a number', eventAbout({ customer: 1 }), '200', PARKED],
  ['a customer that is an array', eventAbout({ customer: ['cus_1'] }), '200', PARKED],
  ['a customer that is an object without id', eventAbout({ customer: {} }), '200', PARKED],
  ['an empty customer', eventAbout({ customer: '' }), '200', PARKED],
  ['a customer of 256 characters', eventAbout({ customer: TOO_LONG }), '200', PARKED],
  ['a customer’s event without its id', eventAbout({}, { type: 'customer.updated' }), '200', PARKED],
  ['a price without a product', eventAbout({ id: 'price_1' }, { type: 'price.updated' }), '200', PARKED],
  [
    'a session without a customer',
    eventAbout({ id: 'cs_1', customer: null }, { type: 'checkout.session.completed' }),
    '200',
    'evt_1 ignored not_a_license_purchase',
  ],
  [
    'a livemode that does not fit the key',
    eventText({ livemode: true }),
    '200',
    'evt_1 parked livemode_mismatch',
  ],
  [
    'an event of a connected account',
    eventText({ account: 'acct_1' }),
    '200',
    'evt_1 ignored connected_account',
  ],
].map(([input = '', body = '', answer = '200', stored = RECEIVED]) => [input, body, answer, stored]);

const THIN = {
  id: 'evt_1',
  object: 'v2.core.event',
  type: 'v1.customer.subscription.updated',
  created: '2026-11-21T12:00:00.000Z',
  livemode: false,
  related_object: { id: 'sub_1', type: 'subscription', url: '/v1/subscriptions/sub_1' },
};
const thin = (overrides: object = {}) => JSON.stringify({ ...THIN, ...overrides });
const WRONG_KIND = '400 kind_of_another_secret';

/** By the secret that is named. */
const BY_SECRET: readonly (readonly [...EventCase, secret: string])[] = [
  ['a thin event by a snapshot secret', thin(), WRONG_KIND, NOTHING, SNAPSHOT_SECRET],
  ['a snapshot event by a thin secret', eventText(), WRONG_KIND, NOTHING, THIN_SECRET],
  ['a thin event', thin(), '200', 'evt_1 received sub_1', THIN_SECRET],
  ['a thin event without related_object', thin({ related_object: undefined }), '200', PARKED, THIN_SECRET],
  ['a thin event with related_object null', thin({ related_object: null }), '200', PARKED, THIN_SECRET],
  [
    'a thin event with a related_object that is a string',
    thin({ related_object: 'sub_1' }),
    '200',
    PARKED,
    THIN_SECRET,
  ],
  ['a thin event with an unreadable date', thin({ created: 1 }), '200', 'evt_1 received sub_1', THIN_SECRET],
  [
    'a thin event of the year 0',
    thin({ created: '0000-01-01T00:00:00Z' }),
    '200',
    'evt_1 received sub_1',
    THIN_SECRET,
  ],
  [
    'a thin event of an unknown type',
    thin({ type: 'v2.unicorn' }),
    '200',
    'evt_1 ignored event_type',
    THIN_SECRET,
  ],
  [
    'a thin event of a connected account',
    thin({ context: 'acct_1' }),
    '200',
    'evt_1 ignored connected_account',
    THIN_SECRET,
  ],
  [
    'a thin event of the other mode',
    thin({ livemode: true }),
    '200',
    'evt_1 parked livemode_mismatch',
    THIN_SECRET,
  ],
  ['a thin event without id', thin({ id: undefined }), NO_EVENT, NOTHING, THIN_SECRET],
  ['a thin event without type', thin({ type: undefined }), NO_EVENT, NOTHING, THIN_SECRET],
  ['a thin event whose snapshot is a number', thin({ snapshot_event: 1 }), NO_EVENT, NOTHING, THIN_SECRET],
];

export const EVENT_ROWS: readonly BadInputRow[] = [
  ...[...REFUSED, ...KEPT].map(([input, body, answer, stored = NOTHING]) => ({
    input,
    send: delivery(body),
    answer,
    stored,
  })),
  ...BY_SECRET.map(([input, body, answer, stored = NOTHING, secret]) => ({
    input,
    send: delivery(body, { secret }),
    answer,
    stored,
  })),
];
