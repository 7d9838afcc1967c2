import { createPortalSessionParameters } from '../billing/portal/portal-parameters.ts';
import {
  createPortalSession,
  endPortalSession,
  portalSessionTable,
} from '../billing/portal/portal-session.ts';
import { type Resource, route } from '../resource.ts';
import { dueWork } from '../state/due-work.ts';

/** Sessions can be made and not read: who has the URL may act for the customer. */
export const billingPortalSessions: Resource = {
  object: 'billing_portal.session',
  keeps: 'customer, configuration, flow, return URL; its page',
  expandable: { configuration: 'billing_portal.configuration' },
  due: dueWork(portalSessionTable, endPortalSession),
  routes: [
    route({
      method: 'POST',
      path: '/v1/billing_portal/sessions',
      parameters: createPortalSessionParameters,
      handle: ({ tx, parameters }) => createPortalSession(tx, parameters),
    }),
  ],
};
