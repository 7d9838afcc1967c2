import { SNAPSHOT_SECRET, signature, subscriptionEvent } from '../fake-gateway.ts';
import { type RawRequest, rawRequest } from '../raw-http.ts';

/** One bad input (or one that only looks bad), what is answered, and all that is in the inbox afterwards. */
export type BadInputRow = {
  input: string;
  /** The bytes that go over the wire. @param nowS unix seconds */
  send: (nowS: number) => Buffer;
  /** The status of each answer, then what the metrics call the refusal: `400 not_json`. */
  answer: string;
  /** Of each row id, status, and its reason or subject: `evt_1 received cus_1`. */
  stored: string;
};

export const NOTHING = 'nothing';
export const RECEIVED = 'evt_1 received cus_1';
const JSON_TYPE = ['content-type', 'application/json'] as const;

/** An event as Stripe sends it, of evt_1, cus_1 and sub_1; what is undefined is left out. */
export function eventText(overrides: Record<string, unknown> = {}): string {
  return JSON.stringify(subscriptionEvent(overrides));
}

/** A subscription's event with this object; what is undefined is left out. */
export function eventAbout(object: unknown, overrides: Record<string, unknown> = {}): string {
  return eventText({ data: { object }, ...overrides });
}

export type Delivery = Omit<RawRequest, 'body'> & { secret?: string };

/** A body with its good signature; headers of the delivery come beside or in place of the usual ones. */
export function delivery(body: string | Buffer, { secret, headers = [], ...rest }: Delivery = {}) {
  const bytes = Buffer.from(body);
  return (nowS: number): Buffer => {
    const usual = [
      JSON_TYPE,
      ['stripe-signature', signature(bytes, secret ?? SNAPSHOT_SECRET, nowS)] as const,
    ];
    const isReplaced = (name: string) => headers.some(([given]) => given === name);
    const all = [...usual.filter(([name]) => !isReplaced(name)), ...headers];
    return rawRequest({ body: bytes, headers: all, ...rest });
  };
}

/** Without anything in common with a delivery. */
export function bytes(text: string | Buffer): () => Buffer {
  return () => Buffer.from(text);
}
