import type { RoutedEvent, WebhookEventStatus } from './webhook-event.ts';

/** An event of the inbox that an operator has something in mind with. */
export type SettledEvent = {
  status: WebhookEventStatus;
  statusReason: string | null;
  subject: string | null;
};

export type ReplayVerdict =
  /** It becomes `received` again, under this subject. */
  | { do: 'replay'; subject: string }
  /** It is `received` already: its subject is only woken. */
  | { do: 'wake'; subject: string }
  | { do: 'refuse'; why: string };

/** Reasons that were given at the door, by the event alone: what stood in its way may stand there still. */
const REASONS_OF_THE_DOOR: ReadonlySet<string> = new Set([
  'event_type',
  'connected_account',
  'livemode_mismatch',
  // An operator may have ignored an event of any of these.
  'operator',
]);

/**
 * Has the event to pass the door once more before it may be replayed? Its subject alone says too little: that of a connected
 * account's event, or of one of the other mode, is none of ours.
 */
export function isRoutedAgain({ status, statusReason, subject }: SettledEvent): boolean {
  if (status === 'received') return false;
  return subject === null || (statusReason !== null && REASONS_OF_THE_DOOR.has(statusReason));
}

/**
 * What becomes of an event that an operator wants to run again.
 *
 * @param options.routed what `routeEvent` says of it today, where `isRoutedAgain` asks for it
 */
export function judgeReplay(
  event: SettledEvent,
  options: { isForced: boolean; routed: RoutedEvent | undefined },
): ReplayVerdict {
  if (event.status === 'processed' && !options.isForced)
    return { do: 'refuse', why: 'it is processed; --force with --reason replays it all the same' };
  if (!isRoutedAgain(event) && event.subject !== null)
    return { do: event.status === 'received' ? 'wake' : 'replay', subject: event.subject };
  const { routed } = options;
  if (routed?.status !== 'received' || routed.subject === null) return { do: 'refuse', why: whyNot(routed) };
  // One that was filed under another subject since stays there.
  return { do: 'replay', subject: event.subject ?? routed.subject };
}

/** Why an operator can't have an event ignored; undefined when it can be. */
export function refusalOfIgnoring({ status }: Pick<SettledEvent, 'status'>): string | undefined {
  switch (status) {
    case 'received':
    case 'parked':
    case 'failed':
      return undefined;
    case 'ignored':
      return 'it is ignored already';
    case 'processed':
      return 'it is processed already';
    default:
      return status satisfies never;
  }
}

function whyNot(routed: RoutedEvent | undefined): string {
  switch (routed?.statusReason) {
    case 'event_type':
      return `events of the type ${routed.eventType} concern nobody here`;
    case 'connected_account':
      return `it is of the connected account ${routed.stripeAccount}`;
    case 'livemode_mismatch':
      return `it is of ${modeName(routed.livemode)} mode and the key of ${modeName(!routed.livemode)} mode`;
    case 'not_a_license_purchase':
      return 'it is of a Checkout session without a customer';
    default:
      return 'its payload names nobody whom it concerns';
  }
}

function modeName(livemode: boolean | null): string {
  return livemode ? 'live' : 'test';
}
