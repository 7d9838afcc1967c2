import { z } from 'zod';

/** Where webhooks go; plain HTTP is good in test mode. */
export const webhookUrl = z.string().refine((value) => /^https?:$/.test(URL.parse(value)?.protocol ?? ''), {
  error: 'Invalid URL: An explicit scheme (such as https) must be provided.',
});
