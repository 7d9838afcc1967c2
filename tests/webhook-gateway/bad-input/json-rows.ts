import { type BadInputRow, delivery, eventAbout, eventText, NOTHING, RECEIVED } from './row.ts';

const EVENT = eventText();
/** In place of a value that JSON.stringify can't write. */
const HERE = '"HERE"';

/** An event with this JSON text at some place in its object. */
const holding = (json: string) => eventAbout({ customer: 'cus_1', held: 'HERE' }).replace(HERE, json);
/** An event one of whose own fields has this JSON text. */
const withField = (name: string, json: string) => eventText({ [name]: 'HERE' }).replace(HERE, json);
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
/** An event with bytes that no string of ours would become. */
const withBytes = (hex: string) =>
  Buffer.concat([
    Buffer.from('{"id":"evt_1","type":"x","name":"'),
    Buffer.from(hex, 'hex'),
    Buffer.from('"}'),
  ]);

/** A body with a good signature: what is answered, and what is stored when it is 200. */
type JsonCase = readonly [input: string, body: string | Buffer, answer: string, stored?: string];

const NOT_JSON: readonly JsonCase[] = [
  ['nothing', ''],
  ['white space', ' \n\t '],
  ['a word', 'event'],
  ['an event that ends too early', EVENT.slice(0, -1)],
  ['an event with something behind it', `${EVENT}x`],
  ['two events', `${EVENT}\n${EVENT}`],
  ['a comma too many', EVENT.replace('{', '{,')],
  ['single quotes', "{'id':'evt_1','type':'x'}"],
  ['a comment', `${EVENT}// the end`],
  ['NaN', holding('NaN')],
  ['a form', 'id=evt_1&type=customer.updated'],
  ['a byte order mark', `\ufeff${EVENT}`],
  ['UTF-16', Buffer.from(EVENT, 'utf16le')],
  ['Latin-1', withBytes('e9')],
  ['an overlong UTF-8 sequence', withBytes('c0af')],
  ['a surrogate encoded as UTF-8', withBytes('eda080')],
  ['UTF-8 that ends within a character', withBytes('f09f98')],
  ['a raw NUL in a name', withBytes('00')],
  ['a raw NUL behind the event', `${EVENT}\0`],
  ['a raw line feed in a name', withBytes('0a')],
].map(([input = '', body = '']) => [String(input), body, '400 not_json']);

const NO_EVENT: readonly JsonCase[] = [
  ['an array', '[]'],
  ['an array of events', `[${EVENT}]`],
  ['null', 'null'],
  ['a number', '4'],
  ['true', 'true'],
  ['a string', '"evt_1"'],
  ['an event in a string', JSON.stringify(EVENT)],
  ['an empty object', '{}'],
  ['an array, 10,000 deep', nested(10_000)],
  ['an id with an escaped NUL', withField('id', '"evt_\\u0000"')],
  ['an id with half a character', withField('id', '"evt_\\ud800"')],
  ['a type with an escaped NUL', withField('type', '"customer.updated\\u0000"')],
  ['a second id that is none', EVENT.replace('{', '{"id":"evt_0",').replace('"evt_1"', '1')],
  ['id and type only in __proto__', '{"__proto__":{"id":"evt_1","type":"customer.updated"}}'],
  ['id and type only in constructor', '{"constructor":{"id":"evt_1","type":"customer.updated"}}'],
].map(([input = '', body = '']) => [input, body, '400 not_an_event']);

const KEPT: readonly JsonCase[] = [
  ['white space around the event', ` \r\n${EVENT}\t\n`],
  ['an escaped NUL in a name', holding('"Ada\\u0000"')],
  ['an escaped NUL in a key', holding('{"\\u0000":1}')],
  ['half a character in a name', holding('"\\ud800 Ada"')],
  ['the halves of a character in the wrong order', holding('"\\udc00\\ud800"')],
  [
    'an escaped NUL for a customer',
    eventAbout({ customer: 'cus_\0' }),
    '200',
    'evt_1 parked unknown_customer',
  ],
  [
    'half a character in a customer',
    eventAbout({ customer: 'cus_\ud800' }),
    '200',
    'evt_1 parked unknown_customer',
  ],
  ['values 10,000 deep', holding(nested(10_000))],
  ['values deeper than Postgres reads', holding(nested(100_000)), '400 row_refused', NOTHING],
  ['1e400', holding('1e400')],
  ['a number of 400 digits', holding('9'.repeat(400))],
  ['a number of 100,000 digits', holding(`0.${'1'.repeat(100_000)}`)],
  ['a date of 1e400', withField('created', '1e400')],
  ['a date of 400 digits', withField('created', '9'.repeat(400))],
  ['two ids: the last one counts', EVENT.replace('{', '{"id":"evt_0",')],
  ['two types: the last one counts', EVENT.replace('{', '{"type":"charge.succeeded",')],
  ['two customers: the last one counts', eventText().replace('"customer"', '"customer":"cus_0","customer"')],
  ['two ids in one escape and one plain', EVENT.replace('{', '{"\\u0069d":"evt_0",')],
  ['__proto__ at the top', EVENT.replace('{', '{"__proto__":{"account":"acct_1","livemode":true},')],
  ['constructor at the top', EVENT.replace('{', '{"constructor":{"prototype":{"account":"acct_1"}},')],
  ['__proto__ deep in the object', holding('{"__proto__":{"__proto__":{"toString":1}}}')],
  [
    'a customer only in __proto__',
    eventAbout({ held: 1 }).replace('"held":1', '"__proto__":{"customer":"cus_9"}'),
    '200',
    'evt_1 parked unknown_customer',
  ],
  [
    'a customer’s id only in __proto__',
    eventAbout({ customer: 'HERE' }).replace(HERE, '{"__proto__":{"id":"cus_9"}}'),
    '200',
    'evt_1 parked unknown_customer',
  ],
  ['an id __proto__', withField('id', '"__proto__"'), '200', '__proto__ received cus_1'],
  ['a type __proto__', withField('type', '"__proto__"'), '200', 'evt_1 ignored event_type'],
  ['a type constructor', withField('type', '"constructor"'), '200', 'evt_1 ignored event_type'],
].map(([input = '', body = '', answer = '200', stored = RECEIVED]) => [input, body, answer, stored]);

export const JSON_ROWS: readonly BadInputRow[] = [...NOT_JSON, ...NO_EVENT, ...KEPT].map(
  ([input, body, answer, stored = NOTHING]) => ({ input, send: delivery(body), answer, stored }),
);
