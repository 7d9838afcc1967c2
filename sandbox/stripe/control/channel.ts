/** Requests to `/_control/…` of one simulator. The simulator's own types are trusted: both sides are one version. */
export interface ControlChannel {
  get<Answer>(path: string): Promise<Answer>;
  post<Answer>(path: string, body?: object): Promise<Answer>;
  remove(path: string): Promise<void>;
}

/**
 * A channel over HTTP; each call throws an Error when the simulator refuses.
 * @param url where the simulator is, such as `http://127.0.0.1:12111`
 */
export function createChannel(url: string): ControlChannel {
  const send = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${url}/_control/${path}`, {
      method,
      ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok)
      throw new Error(`the Stripe simulator refused ${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  };
  return {
    get: async <Answer>(path: string) => (await send('GET', path)) as Answer,
    post: async <Answer>(path: string, body: object = {}) => (await send('POST', path, body)) as Answer,
    remove: async (path) => void (await send('DELETE', path)),
  };
}
