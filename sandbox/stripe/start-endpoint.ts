import { z } from 'zod';

const answerSchema = z.union([
  z.object({ secret: z.string() }),
  z.object({ error: z.object({ message: z.string() }) }),
]);

/**
 * Makes a webhook endpoint for every event in a simulator that has just started. Ids and secrets come from its seed,
 * so the first endpoint has the same secret at every start.
 * @returns the signing secret
 * @throws Error when the simulator does not take the URL
 */
export async function addEndpoint(simulatorUrl: string, webhookUrl: string): Promise<string> {
  const response = await fetch(`${simulatorUrl}/v1/webhook_endpoints`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_start' },
    body: new URLSearchParams({ url: webhookUrl, 'enabled_events[0]': '*' }),
  });
  const answer = answerSchema.parse(await response.json());
  if ('secret' in answer) return answer.secret;
  throw new Error(`STRIPE_SIMULATOR_WEBHOOK_URL: ${answer.error.message}`);
}
