import type { Guide } from './guide.ts';

/** Search for each kind of object that has it. */
export async function tourSearch({ stripe }: Guide): Promise<void> {
  const byMetadata = { query: "metadata['order']:'1' OR created>0", limit: 2 };
  await stripe.charges.search({ query: "status:'succeeded' amount>0" });
  await stripe.customers.search({ query: "-email:null AND name~'love'" });
  await stripe.invoices.search({ query: "status:'paid' total>0" });
  await stripe.paymentIntents.search({ query: "status:'succeeded' amount>0" });
  await stripe.prices.search({ query: "active:'true' AND type:'recurring'" });
  await stripe.products.search({ query: "active:'true'", limit: 1 });
  const page = await stripe.subscriptions.search(byMetadata);
  if (page.next_page) await stripe.subscriptions.search({ ...byMetadata, page: page.next_page });
}
