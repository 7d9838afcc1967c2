import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { parseForm } from '../api/form.ts';
import { completeSession } from '../billing/checkout-completion.ts';
import { checkoutSessionTable } from '../billing/checkout-state.ts';
import type { Simulation } from '../simulation.ts';
import { causedByStripe, runStep } from '../state/transaction.ts';
import { renderCheckoutPage } from './checkout-page.ts';
import { renderStartPage } from './start-page.ts';

const html = 'text/html; charset=utf-8';

const completionForm = z.object({
  payment: z.enum(['card', 'delayed']),
  email: z.string().optional(),
  name: z.string().optional(),
});

/** Registers the pages for people: the start page and the one a buyer pays on. */
export function pages(app: FastifyInstance, simulation: Simulation): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    async (_request: FastifyRequest, body: string) => parseForm(body),
  );
  app.get('/', (_request, reply) => reply.type(html).send(renderStartPage(simulation)));
  app.get<{ Params: { id: string } }>('/c/pay/:id', (request, reply) => {
    const stored = simulation.account.table(checkoutSessionTable).get(request.params.id);
    if (!stored) return reply.status(404).type('text/plain').send('There is no such session.');
    const page = runStep(simulation.steps, causedByStripe, (tx) => renderCheckoutPage(tx, stored));
    return reply.type(html).send(page);
  });
  app.post<{ Params: { id: string } }>('/c/pay/:id', (request, reply) => {
    const { id } = request.params;
    const { payment, email, name } = completionForm.parse(request.body);
    const session = runStep(simulation.steps, causedByStripe, (tx) =>
      completeSession(tx, {
        id,
        card: payment === 'delayed' ? 'pm_usBankAccount' : 'pm_card_visa',
        email: email || undefined,
        name: name || undefined,
      }),
    );
    return reply.redirect((session.success_url ?? '/').replace('{CHECKOUT_SESSION_ID}', id), 303);
  });
}
