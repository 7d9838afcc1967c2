import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { RefusalReason } from './refusal-reasons.ts';

type SocketRefusal = { status: number; reason: RefusalReason; detail: string };

/** What Node's parser refuses before there is a request, by the code of its error; all else is broken HTTP. */
const SOCKET_REFUSALS: Readonly<Record<string, SocketRefusal>> = {
  HPE_HEADER_OVERFLOW: { status: 431, reason: 'headers_too_large', detail: 'The headers are too large.' },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    reason: 'too_slow',
    detail: 'The request took too long to arrive.',
  },
};
const BROKEN_HTTP: SocketRefusal = { status: 400, reason: 'broken_http', detail: 'The request is no HTTP.' };

/**
 * Answers what never became a request, and ends its connection.
 *
 * @returns what the metrics call it; undefined when the sender is gone already
 */
export function refuseOnSocket(error: Error & { code?: string }, socket: Socket): RefusalReason | undefined {
  if (error.code === 'ECONNRESET' || socket.destroyed) return undefined;
  const { status, reason, detail } = SOCKET_REFUSALS[error.code ?? ''] ?? BROKEN_HTTP;
  const title = STATUS_CODES[status] ?? 'Error';
  const id = randomUUID();
  const body = JSON.stringify({ type: 'about:blank', title, status, detail, request_id: id });
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${id}`,
    'connection: close',
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
  return reason;
}
