import type { FastifyInstance } from 'fastify';
import type { Simulation } from './simulation.ts';
import { renderStartPage } from './start-page.ts';

const html = 'text/html; charset=utf-8';

/** Registers the pages for people. */
export function pages(app: FastifyInstance, simulation: Simulation): void {
  app.get('/', (_request, reply) => reply.type(html).send(renderStartPage(simulation)));
}
