import type { FastifyReply } from 'fastify';

/** Sends a page; without one, a 404. */
export function sendPage(reply: FastifyReply, page: string | undefined, status = 200): FastifyReply {
  return page === undefined
    ? reply.status(404).type('text/plain; charset=utf-8').send('There is no such page.')
    : reply.status(status).type('text/html; charset=utf-8').send(page);
}
