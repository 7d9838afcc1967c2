import type { ControlChannel } from './channel.ts';

export interface EventControl {
  /**
   * Writes and delivers an event of any type about any object.
   * @param event.account `acct_…` of a connected account; the platform's own when not given
   * @returns the event
   */
  emitEvent(event: {
    type: string;
    object: Readonly<Record<string, unknown>>;
    account?: string;
  }): Promise<{ id: string }>;
  /**
   * Makes an event destination, for thin events of every type unless told otherwise.
   * @returns its id (`ed_…`) and signing secret
   */
  createEventDestination(destination: {
    url: string;
    payload?: 'snapshot' | 'thin';
    enabledEvents?: readonly string[];
    eventsFrom?: readonly ('@accounts' | '@self')[];
  }): Promise<{ id: string; secret: string }>;
  /**
   * Gives a webhook endpoint or an event destination a new secret. Until the old one expires (in a day at most, and
   * when nothing is said), attempts carry a signature of each, the newest first.
   */
  rollWebhookSecret(receiverId: string, options?: { expiresAfterMs?: number }): Promise<{ secret: string }>;
}

export function eventDriver({ post }: ControlChannel): EventControl {
  return {
    emitEvent: (event) => post('events', event),
    createEventDestination: (destination) => post('event-destinations', destination),
    rollWebhookSecret: (id, options = {}) => post(`webhook-endpoints/${id}/roll-secret`, options),
  };
}
