import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { natural } from '../api/parameters.ts';
import {
  cancelInPortal,
  changeCardInPortal,
  renewInPortal,
  updateCustomerInPortal,
  updateInPortal,
} from '../billing/portal/portal-actions.ts';
import {
  portalSessionOfToken,
  type StoredPortalSession,
  touchPortalSession,
} from '../billing/portal/portal-session.ts';
import type { Simulation } from '../simulation.ts';
import type { Transaction } from '../state/transaction.ts';
import { act, look } from './answers.ts';
import { type PortalMessage, renderPortalPage } from './portal-page.ts';
import { sendPage } from './send-page.ts';

const subscription = z.string();
const typed = z.string().optional();
/** What the forms of the page send. */
const actionForm = z.discriminatedUnion('action', [
  z.object({ action: z.literal('cancel'), subscription }),
  z.object({ action: z.literal('renew'), subscription }),
  z.object({
    action: z.literal('update'),
    subscription,
    items: z.array(z.object({ id: z.string(), price: typed, quantity: natural.optional() })),
  }),
  z.object({
    action: z.literal('card'),
    card: z.string(),
    authentication: z.enum(['passes', 'fails']).default('passes'),
  }),
  z.object({ action: z.literal('customer'), email: typed, name: typed, phone: typed }),
]);
type Action = z.infer<typeof actionForm>;

/** The pages behind the `url` of billing portal sessions. */
export function portalPages(app: FastifyInstance, simulation: Simulation): void {
  app.get<{ Params: { token: string } }>('/p/session/:token', (request, reply) => {
    const page = look(simulation, (tx) => {
      const session = sessionOf(tx, request.params.token);
      return session && renderPortalPage(tx, touchPortalSession(tx, session));
    });
    return sendPage(reply, page);
  });
  app.post<{ Params: { token: string } }>('/p/session/:token', (request, reply) => {
    const { token } = request.params;
    const action = actionForm.parse(request.body);
    const outcome = act(simulation, (tx) => {
      const session = sessionOf(tx, token);
      return session && { session, text: perform(tx, session, action) };
    });
    const isDone = 'done' in outcome && outcome.done !== undefined;
    const completion = isDone ? outcome.done.session.shown.flow?.after_completion : undefined;
    if (completion?.redirect) return reply.redirect(completion.redirect.return_url, 303);
    const custom = completion?.hosted_confirmation?.custom_message;
    const message: PortalMessage | undefined = isDone
      ? { kind: 'good', text: custom ?? outcome.done.text }
      : 'refusal' in outcome
        ? { kind: 'bad', text: outcome.refusal }
        : undefined;
    const page = look(simulation, (tx) => {
      const session = sessionOf(tx, token);
      return session && renderPortalPage(tx, session, { message, isFlowDone: isDone });
    });
    return sendPage(reply, page, 'refusal' in outcome ? 402 : 200);
  });
}

function sessionOf(tx: Transaction, token: string): StoredPortalSession | undefined {
  return portalSessionOfToken(tx, token.replace(/^test_/, ''));
}

/** @returns what the customer is told */
function perform(tx: Transaction, session: StoredPortalSession, action: Action): string {
  switch (action.action) {
    case 'cancel': {
      const { status } = cancelInPortal(tx, session, action);
      return status === 'canceled' ? 'The subscription has been canceled.' : 'The subscription will end.';
    }
    case 'renew':
      renewInPortal(tx, session, action);
      return 'The subscription goes on.';
    case 'update':
      updateInPortal(tx, session, action);
      return 'The subscription has been changed.';
    case 'card':
      changeCardInPortal(tx, session, {
        card: action.card,
        authenticates: action.authentication === 'passes',
      });
      return 'The payment method has been changed.';
    case 'customer': {
      const { action: _, ...changes } = action;
      updateCustomerInPortal(tx, session, changes);
      return 'Your billing information has been saved.';
    }
    default:
      return action satisfies never;
  }
}
