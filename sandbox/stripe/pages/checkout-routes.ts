import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { natural } from '../api/parameters.ts';
import { completeSession } from '../billing/checkout/checkout-completion.ts';
import { checkoutSessionTable } from '../billing/checkout/checkout-state.ts';
import type { Simulation } from '../simulation.ts';
import { act, look } from './answers.ts';
import { type Refused, renderCheckoutPage } from './checkout-page.ts';
import { sendPage } from './send-page.ts';

const typed = z.string().transform((text) => text.trim() || undefined);
const completionForm = z.object({
  card: z.string().optional(),
  authentication: z.enum(['passes', 'fails']).default('passes'),
  email: typed.optional(),
  name: typed.optional(),
  phone: typed.optional(),
  quantities: z.record(z.string(), natural).optional(),
});

/** How long a buyer waits at most until the shop has answered the webhooks, as at Stripe. */
const redirectWaitMaxMs = 10_000;

/** The pages behind the `url` of Checkout sessions. */
export function checkoutPages(app: FastifyInstance, simulation: Simulation): void {
  const page = (id: string, refused?: Refused): string | undefined =>
    look(simulation, (tx) => {
      const stored = tx.get(checkoutSessionTable, id);
      return stored && renderCheckoutPage(tx, stored, refused);
    });
  app.get<{ Params: { id: string } }>('/c/pay/:id', (request, reply) =>
    sendPage(reply, page(request.params.id)),
  );
  app.post<{ Params: { id: string } }>('/c/pay/:id', async (request, reply) => {
    const { id } = request.params;
    const isOpen = simulation.account.table(checkoutSessionTable).get(id)?.session.status === 'open';
    if (!isOpen) return sendPage(reply, page(id), 409);
    const { authentication, card, ...form } = completionForm.parse(request.body);
    const outcome = act(simulation, (tx) =>
      completeSession(tx, { id, ...form, card: card ?? null, authenticates: authentication === 'passes' }),
    );
    if ('refusal' in outcome) {
      return sendPage(reply, page(id, { message: outcome.refusal, typed: form }), 402);
    }
    await simulation.deliveries.whenSent(redirectWaitMaxMs);
    const { success_url: successUrl } = outcome.done;
    return reply.redirect((successUrl ?? '/').replaceAll('{CHECKOUT_SESSION_ID}', id), 303);
  });
}
