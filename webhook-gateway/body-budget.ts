import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { LARGE_BODIES_BYTES_MAX, OWN_BODY_BYTES } from './limits.ts';

/** What is held of large bodies at once, over all requests; each has some bytes for itself that nobody counts. */
export class BodyBudget {
  #heldBytes = 0;

  /**
   * Counts a body as it comes, and gives its room back when its request was answered or broke off. A request whose length
   * says that it needs nothing is not watched.
   *
   * @param onExceeded the budget is used up; what of this body comes now is not to be kept
   */
  watch(
    {
      headers,
      body,
      response,
    }: Pick<IncomingMessage, 'headers'> & { body: Readable; response: ServerResponse },
    onExceeded: () => void,
  ): void {
    // Also not when the length is missing or no number: such a body is counted.
    if (Number(headers['content-length']) <= OWN_BODY_BYTES) return;
    let received = 0;
    let held = 0;
    const count = (chunk: Buffer) => {
      received += chunk.length;
      const more = Math.max(0, received - OWN_BODY_BYTES) - held;
      if (this.#heldBytes + more > LARGE_BODIES_BYTES_MAX) {
        body.off('data', count);
        onExceeded();
        return;
      }
      this.#heldBytes += more;
      held += more;
    };
    body.on('data', count);
    response.once('close', () => {
      this.#heldBytes -= held;
    });
  }
}
