import { type Html, html } from './html.ts';

/** How to begin. @param at where the simulator is @param at.isOpen whether it is unfolded */
export function gettingStarted({ url, isOpen }: { url: string; isOpen: boolean }): Html {
  const { hostname, port } = new URL(url);
  return html`<section class="card"><details${isOpen && ' open'}>
<summary>How to begin</summary>
<p>Any key that begins with <code>sk_test_</code> or <code>rk_test_</code> is good. With stripe-node:</p>
<pre>const stripe = new Stripe('sk_test_anything', { host: '${hostname}', port: ${port}, protocol: 'http' });</pre>
<p>With curl:</p>
<pre>curl ${url}/v1/customers -u sk_test_anything: -d email=ada@example.com -d name=Ada</pre>
<p>Webhooks come to the endpoints that you make; the answer has the signing secret:</p>
<pre>curl ${url}/v1/webhook_endpoints -u sk_test_anything: \\
  -d url=http://127.0.0.1:3000/webhooks/stripe -d "enabled_events[0]=*"</pre>
<p>A customer with a card that pays, and one whose payments fail: <code>payment_method=pm_card_visa</code>,
<code>payment_method=pm_card_chargeCustomerFail</code>. The <code>url</code> of a Checkout session or of a billing portal
session is a page on which you act as the buyer. Test clocks make time pass.</p>
</details></section>`;
}
