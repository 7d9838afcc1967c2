import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A request as it goes over the wire: nothing is added, corrected or left out. */
export type RawRequest = {
  /** `POST /webhooks/stripe HTTP/1.1` */
  requestLine?: string;
  /** Name and value, in order; `host` and `content-length` are added when missing, unless `asItIs`. */
  headers?: readonly (readonly [string, string])[];
  body?: Buffer;
  asItIs?: boolean;
};

export type RawAnswer = { status: number; headers: Map<string, string>; body: string };

const LAST_CHUNK = '0\r\n\r\n';
const REQUEST_LINE = 'POST /webhooks/stripe HTTP/1.1';

/** The request's bytes. It asks for the connection's end after the answer, unless it has a `connection` header. */
export function rawRequest({ requestLine = REQUEST_LINE, headers = [], body, asItIs }: RawRequest): Buffer {
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  const added: (readonly [string, string])[] = [
    ['host', 'localhost'],
    ['connection', 'close'],
    ...(body && !names.has('transfer-encoding') ? [['content-length', String(body.length)] as const] : []),
  ];
  const all = asItIs ? headers : [...added.filter(([name]) => !names.has(name)), ...headers];
  const head = [requestLine, ...all.map(([name, value]) => `${name}: ${value}`)].join('\r\n');
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body ?? Buffer.alloc(0)]);
}

/** The body in chunks of this size, as `transfer-encoding: chunked` has it. */
export function chunked(body: Buffer, chunkBytes: number): Buffer {
  const chunks: Buffer[] = [];
  for (let start = 0; start < body.length; start += chunkBytes) {
    const chunk = body.subarray(start, start + chunkBytes);
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
}

/** Connects, and answers when the connection stands. */
export async function open(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  // A server that closes while we still write is one of the things to be seen here.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Sends the bytes over a connection of its own, and gives the answers that came until its end. */
export async function exchange(port: number, bytes: Buffer): Promise<RawAnswer[]> {
  const socket = await open(port);
  const answers = answersOf(socket);
  socket.write(bytes);
  return answers;
}

/** What comes over the connection until the server closes it. */
export async function answersOf(socket: Socket): Promise<RawAnswer[]> {
  const pieces: Buffer[] = [];
  socket.on('data', (piece) => pieces.push(piece));
  await new Promise((resolve) => socket.once('close', resolve));
  return readAnswers(Buffer.concat(pieces));
}

function readAnswers(bytes: Buffer): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd === -1) throw new Error(`an answer without an end: ${rest.toString('latin1')}`);
    const [statusLine = '', ...lines] = rest.subarray(0, headEnd).toString('latin1').split('\r\n');
    const headers = new Map(lines.map(readHeader));
    const bodyStart = headEnd + 4;
    const bodyEnd = bodyStart + Number(headers.get('content-length') ?? 0);
    const isChunked = headers.get('transfer-encoding') === 'chunked';
    const status = Number(statusLine.split(' ')[1]);
    answers.push({ status, headers, body: rest.subarray(bodyStart, bodyEnd).toString('utf8') });
    // Ours always have a length; Node's own refusals are empty, in chunks.
    rest = rest.subarray(isChunked ? bodyStart + LAST_CHUNK.length : bodyEnd);
  }
  return answers;
}

function readHeader(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
