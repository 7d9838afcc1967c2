import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseForm } from '../api/form.ts';
import type { Simulation } from '../simulation.ts';
import { checkoutPages } from './checkout-routes.ts';
import { renderEventPage } from './event-page.ts';
import { invoicePages } from './invoice-routes.ts';
import { objectKinds } from './object-kinds.ts';
import { renderObjectPage, renderObjectsPage } from './objects-page.ts';
import { portalPages } from './portal-routes.ts';
import { renderRequestPage } from './request-page.ts';
import { sendPage } from './send-page.ts';
import { renderStartPage } from './start-page.ts';

/** Registers the pages for people: what a developer sees, and what buyers and customers act on. */
export function pages(app: FastifyInstance, simulation: Simulation): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    async (_request: FastifyRequest, body: string) => parseForm(body),
  );
  app.get<{ Querystring: { still?: string } }>('/', (request, reply) =>
    sendPage(reply, renderStartPage(simulation, { isStill: request.query.still !== undefined })),
  );
  app.get<{ Params: { object: string }; Querystring: { after?: string } }>(
    '/objects/:object',
    (request, reply) => {
      const kind = objectKinds.find(({ object }) => object === request.params.object);
      return sendPage(reply, kind && renderObjectsPage(simulation, kind, request.query.after));
    },
  );
  app.get<{ Params: { object: string; id: string } }>('/objects/:object/:id', (request, reply) =>
    sendPage(reply, renderObjectPage(simulation, request.params.object, request.params.id)),
  );
  app.get<{ Params: { id: string } }>('/events/:id', (request, reply) =>
    sendPage(reply, renderEventPage(simulation, request.params.id)),
  );
  app.get<{ Params: { id: string } }>('/requests/:id', (request, reply) =>
    sendPage(reply, renderRequestPage(simulation, request.params.id)),
  );
  checkoutPages(app, simulation);
  portalPages(app, simulation);
  invoicePages(app, simulation);
}
