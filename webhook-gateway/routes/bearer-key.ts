import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../problem.ts';

const BEARER = /^Bearer ([^\s]+)$/i;

/**
 * Makes the check of `Authorization: Bearer <key>`. Digests are compared, in constant time and always with all keys,
 * so that neither a key's length nor its place shows.
 *
 * @returns throws a 401 when the request has no good key
 */
export function createBearerCheck(keys: readonly string[]): (request: FastifyRequest) => Promise<void> {
  const digests = keys.map(digest);
  return async (request) => {
    const given = BEARER.exec(request.headers.authorization ?? '')?.[1];
    const candidate = digest(given ?? '');
    const matches = digests.filter((known) => timingSafeEqual(known, candidate));
    if (given !== undefined && matches.length > 0) return;
    throw new Problem({
      status: 401,
      detail: 'A key is needed: Authorization: Bearer <key>.',
      headers: { 'www-authenticate': 'Bearer' },
    });
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
