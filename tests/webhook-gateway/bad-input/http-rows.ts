import { gzipSync } from 'node:zlib';
import { SNAPSHOT_SECRET, signature } from '../fake-gateway.ts';
import { chunked, rawRequest } from '../raw-http.ts';
import { type BadInputRow, bytes, type Delivery, delivery, eventText, NOTHING, RECEIVED } from './row.ts';

const EVENT = eventText();
const MEBIBYTE = 1_048_576;
const filled = (length: number) => EVENT + ' '.repeat(length - EVENT.length);
/** Above what Node takes in headers, 16 KiB. */
const LONG = 'x'.repeat(20_000);

type HttpCase = readonly [input: string, send: (nowS: number) => Buffer, answer: string, stored?: string];

const event = (options: Delivery = {}) => delivery(EVENT, options);
const to = (requestLine: string) => event({ requestLine: `${requestLine} HTTP/1.1` });
const typed = (...types: string[]) =>
  event({ headers: types.map((type) => ['content-type', type] as const) });

/** A body in chunks, signed as a whole. */
const inChunks = (body: string, chunkBytes: number) => (nowS: number) =>
  rawRequest({
    headers: [
      ['transfer-encoding', 'chunked'],
      ['stripe-signature', signature(body, SNAPSHOT_SECRET, nowS)],
    ],
    body: chunked(Buffer.from(body), chunkBytes),
  });

const BODIES: readonly HttpCase[] = [
  ['5 MB', delivery(filled(5 * MEBIBYTE)), '413 too_large'],
  ['1 MiB and a byte', delivery(filled(MEBIBYTE + 1)), '413 too_large'],
  ['1 MiB', delivery(filled(MEBIBYTE)), '200', RECEIVED],
  ['chunks', inChunks(EVENT, 50), '200', RECEIVED],
  ['chunks of a byte', inChunks(EVENT, 1), '200', RECEIVED],
  ['2 MiB in chunks', inChunks(filled(2 * MEBIBYTE), 65_536), '413 too_large'],
  [
    'a chunk without a size',
    event({ headers: [['transfer-encoding', 'chunked']] }),
    '400 broken_http cut_off',
  ],
  ['gzip', delivery(gzipSync(EVENT), { headers: [['content-encoding', 'gzip']] }), '400 not_json'],
  ['JSON that says it is gzip', event({ headers: [['content-encoding', 'gzip']] }), '200', RECEIVED],
  [
    'a length and chunks',
    event({
      headers: [
        ['content-length', '5'],
        ['transfer-encoding', 'chunked'],
      ],
    }),
    '400 broken_http',
  ],
  [
    'two lengths',
    event({
      headers: [
        ['content-length', '5'],
        ['content-length', '6'],
      ],
    }),
    '400 broken_http',
  ],
  ['a negative length', event({ headers: [['content-length', '-1']] }), '400 broken_http'],
  ['a length that is no number', event({ headers: [['content-length', 'all']] }), '400 broken_http'],
  ['no body', () => rawRequest({}), '400 signature_missing'],
];

const HEADERS: readonly HttpCase[] = [
  [
    'no content type',
    (nowS) =>
      rawRequest({
        headers: [['stripe-signature', signature(EVENT, SNAPSHOT_SECRET, nowS)]],
        body: Buffer.from(EVENT),
      }),
    '200',
    RECEIVED,
  ],
  ['the content type text/xml', typed('text/xml'), '200', RECEIVED],
  ['the content type of a form', typed('application/x-www-form-urlencoded'), '200', RECEIVED],
  ['the content type multipart without boundary', typed('multipart/form-data'), '200', RECEIVED],
  ['a content type in Latin-1', typed('application/json; charset=iso-8859-1'), '200', RECEIVED],
  ['a content type that is none', typed('///;;;'), '200', RECEIVED],
  ['two content types', typed('text/xml', 'application/json'), '200', RECEIVED],
  ['HTTP/1.0', event({ requestLine: 'POST /webhooks/stripe HTTP/1.0' }), '200', RECEIVED],
  ['HTTP/1.1 that expects 100', event({ headers: [['expect', '100-continue']] }), '100 200', RECEIVED],
  ['HTTP that expects something else', event({ headers: [['expect', 'a-teapot']] }), '417'],
  [
    'a wish for another protocol',
    event({
      headers: [
        ['connection', 'upgrade, close'],
        ['upgrade', 'websocket'],
      ],
    }),
    '200',
    RECEIVED,
  ],
  ['no host', () => rawRequest({ asItIs: true, headers: [['connection', 'close']] }), '400'],
  [
    'two hosts',
    event({
      headers: [
        ['host', 'a'],
        ['host', 'b'],
      ],
    }),
    '200',
    RECEIVED,
  ],
  ['headers of 20,000 characters', event({ headers: [['x-long', LONG]] }), '431 headers_too_large'],
  [
    '2,000 headers',
    event({ headers: Array.from({ length: 2_000 }, (_, n) => [`x-${n}`, 'abcdef'] as const) }),
    '431 headers_too_large',
  ],
  ['a header without a colon', bytes('POST /webhooks/stripe HTTP/1.1\r\nhost\r\n\r\n'), '400 broken_http'],
  ['a header with a NUL', event({ headers: [['x', 'a\0b']] }), '400 broken_http'],
  ['a space before a colon', event({ headers: [['content-length ', '1']] }), '400 broken_http'],
];

const LINES: readonly HttpCase[] = [
  ['GET', () => rawRequest({ requestLine: 'GET /webhooks/stripe HTTP/1.1' }), '405 wrong_method'],
  ['HEAD', () => rawRequest({ requestLine: 'HEAD /webhooks/stripe HTTP/1.1' }), '405 wrong_method'],
  ['PUT', to('PUT /webhooks/stripe'), '405 wrong_method'],
  ['PATCH', to('PATCH /api/webhooks/stripe'), '405 wrong_method'],
  ['DELETE', to('DELETE /api/stripe/webhook'), '405 wrong_method'],
  ['OPTIONS', () => rawRequest({ requestLine: 'OPTIONS /webhooks/stripe HTTP/1.1' }), '405 wrong_method'],
  ['TRACE', () => rawRequest({ requestLine: 'TRACE /webhooks/stripe HTTP/1.1' }), '405 wrong_method'],
  ['an unknown method', to('BREW /webhooks/stripe'), '400 broken_http'],
  ['a slash behind the path', to('POST /webhooks/stripe/'), '404'],
  ['a slash too many', to('POST //webhooks/stripe'), '404'],
  ['the path in capital letters', to('POST /WEBHOOKS/STRIPE'), '404'],
  ['the path with an escaped letter', to('POST /webhooks/%73tripe'), '200', RECEIVED],
  ['the path through another', to('POST /checkouts/../webhooks/stripe'), '404'],
  ['a path that can’t be decoded', to('POST /webhooks/%ff'), '400'],
  ['a query', to('POST /webhooks/stripe?id=evt_9&livemode=true'), '200', RECEIVED],
  ['a fragment', to('POST /webhooks/stripe#x'), '200', RECEIVED],
  ['a path of 20,000 characters', to(`POST /${LONG}`), '431 headers_too_large'],
  ['HTTP/2', bytes('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), '400 broken_http'],
  ['HTTP/0.9', bytes('POST /webhooks/stripe\r\n\r\n'), '400 signature_missing'],
  ['TLS', bytes(Buffer.from('16030100f5010000f10303', 'hex')), '400 broken_http'],
  ['noise', bytes(Buffer.from(Array.from({ length: 1_000 }, (_, n) => (n * 167) % 256))), '400 broken_http'],
  [
    'three requests at once',
    pipelined(3),
    '200 200 200',
    'evt_1 received cus_1, evt_2 received cus_1, evt_3 received cus_1',
  ],
];

/** So many events over one connection, without waiting for an answer. */
function pipelined(count: number): (nowS: number) => Buffer {
  return (nowS) =>
    Buffer.concat(
      Array.from({ length: count }, (_, index) => {
        const connection = index + 1 < count ? 'keep-alive' : 'close';
        return delivery(eventText({ id: `evt_${index + 1}` }), { headers: [['connection', connection]] })(
          nowS,
        );
      }),
    );
}

export const HTTP_ROWS: readonly BadInputRow[] = [...BODIES, ...HEADERS, ...LINES].map(
  ([input, send, answer, stored = NOTHING]) => ({ input, send, answer, stored }),
);
