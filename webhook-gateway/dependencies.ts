import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ZodTypeProvider } from '@fastify/type-provider-zod';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { Logger } from 'pino';
import type { TenancyClient } from '../client/tenancy-client.ts';
import type { CheckoutTenant } from '../db/checkouts.ts';
import type { WebhookKey } from '../stripe/signature.ts';
import type { InboxWriter } from './inbox-writer.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { Waker } from './waker.ts';

/** All that the routes work with; tests hand in what they like. */
export type GatewayDependencies = {
  webhookKeys: readonly WebhookKey[];
  /** The mode of our Stripe key. */
  livemode: boolean;
  checkoutApiKeys: readonly string[];
  inbox: Pick<InboxWriter, 'store'>;
  waker: Pick<Waker, 'notice'>;
  tenancy: Pick<TenancyClient, 'startCheckout' | 'describe' | 'progressOf' | 'resultOf'>;
  findCheckoutTenant: (workflowId: string) => Promise<CheckoutTenant | undefined>;
  /** Each resolves when the server answered. */
  pings: { postgres: () => Promise<unknown>; temporal: () => Promise<unknown> };
  metrics: GatewayMetrics;
  log: Logger;
  nowMs: () => number;
};

/** A Fastify instance whose routes have Zod schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;
