import { type Html, type HtmlValue, html } from './html.ts';

/** Longest text that is looked through for ids: a page shows an object, not a table. */
const linkedTextMax = 200_000;

/** A link to an object's page. */
export function objectLink(object: string, id: string, label: HtmlValue = id): Html {
  return html`<a class="mono" href="/objects/${object}/${id}">${label}</a>`;
}

/** A link to an event's page. */
export function eventLink(id: string, label: HtmlValue = id): Html {
  return html`<a class="mono" href="/events/${id}">${label}</a>`;
}

/** A link to a request's page. */
export function requestLink(id: string, label: HtmlValue = id): Html {
  return html`<a class="mono" href="/requests/${id}">${label}</a>`;
}

/** The kinds of objects by the beginning of their ids. */
const objectOfPrefix: Readonly<Record<string, string>> = {
  bpc: 'billing_portal.configuration',
  ch: 'charge',
  clock: 'test_helpers.test_clock',
  cs: 'checkout.session',
  cus: 'customer',
  du: 'dispute',
  ii: 'invoiceitem',
  in: 'invoice',
  pi: 'payment_intent',
  pm: 'payment_method',
  price: 'price',
  prod: 'product',
  py: 'charge',
  pyr: 'refund',
  re: 'refund',
  seti: 'setup_intent',
  sub: 'subscription',
  we: 'webhook_endpoint',
};

/** Anything as readable JSON, with links to the objects that it names. */
export function linkedJson(value: unknown): Html {
  const text = JSON.stringify(value, null, 2);
  if (text.length > linkedTextMax) return html`<pre>${text}</pre>`;
  const parts = text.split(/("[a-z]+_[A-Za-z0-9_]+")/);
  return html`<pre>${parts.map((part) => linked(part))}</pre>`;
}

function linked(part: string): HtmlValue {
  const [, id = '', prefix = ''] = /^"(([a-z]+)_[A-Za-z0-9_]+)"$/.exec(part) ?? [];
  if (prefix === 'evt') return html`"<a href="/events/${id}">${id}</a>"`;
  if (prefix === 'req') return html`"<a href="/requests/${id}">${id}</a>"`;
  const object = objectOfPrefix[prefix];
  // An id has more than its prefix, which names a kind or a property.
  const isId = object !== undefined && /\d|[A-Z]/.test(id.slice(prefix.length));
  return isId ? html`"<a href="/objects/${object}/${id}">${id}</a>"` : part;
}
