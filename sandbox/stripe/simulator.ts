import type { RequestLimits } from './api/request-limits.ts';
import { createServer } from './api/server.ts';
import { createStripeControl, type StripeControl } from './control/control.ts';
import type { Observer } from './observer.ts';
import { createSimulation } from './simulation.ts';
import { type DeliverySettings, defaultDeliverySettings } from './webhooks/delivery-settings.ts';

export interface StripeSimulatorOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** The address it listens on; 127.0.0.1 when not given. */
  readonly host?: string;
  /** The same seed gives the same ids for the same requests. */
  readonly seed?: number;
  /** Milliseconds since 1970; the machine's clock when not given. */
  readonly now?: () => number;
  readonly deliveries?: Partial<DeliverySettings>;
  /** Events of each kind, snapshot and thin, that each account keeps; older ones are forgotten. */
  readonly eventsKeptMax?: number;
  /** Requests that an account may make in a second; as many as it likes when not given. */
  readonly requestLimits?: RequestLimits;
  /** Sees every answer and every event. */
  readonly observer?: Observer;
}

export interface StripeSimulator {
  /** Such as `http://127.0.0.1:12111`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly control: StripeControl;
  /** Stops listening and delivering; open connections are cut. */
  close(): Promise<void>;
}

/**
 * Starts a simulator in this process; `new Stripe(key, { host, port, protocol: 'http' })` talks to it.
 * @throws Error when the port is taken
 */
export async function startStripeSimulator(options: StripeSimulatorOptions = {}): Promise<StripeSimulator> {
  const host = options.host ?? '127.0.0.1';
  let url = '';
  const simulation = createSimulation({
    seed: options.seed ?? 1,
    now: options.now ?? Date.now,
    publicUrl: () => url,
    deliverySettings: { ...defaultDeliverySettings, ...options.deliveries },
    eventsKeptMax: options.eventsKeptMax,
    requestLimits: options.requestLimits,
    observer: options.observer,
  });
  const app = createServer(simulation);
  await app.listen({ host, port: options.port ?? 0 });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('the Stripe simulator has no port');
  url = `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${address.port}`;
  return {
    url,
    host,
    port: address.port,
    control: createStripeControl(url),
    async close() {
      simulation.close();
      await app.close();
    },
  };
}
