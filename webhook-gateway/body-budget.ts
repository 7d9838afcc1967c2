import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { BODY_BYTES_MAX, LARGE_BODIES_BYTES_MAX, OWN_BODY_BYTES } from './limits.ts';

/** What is held of large bodies at once, over all requests; each has some bytes for itself that nobody counts. */
export class BodyBudget {
  #heldBytes = 0;

  /**
   * Counts a body as it comes, and gives its room back when its request was answered or broke off. A request whose length
   * says that it needs nothing is not watched, nor is a body any longer that is refused for its own size.
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
    // NaN where there is none: such a body is counted as it comes.
    const length = Number(headers['content-length']);
    if (length <= OWN_BODY_BYTES || length > BODY_BYTES_MAX) return;
    let received = 0;
    let held = 0;
    const count = (chunk: Buffer) => {
      received += chunk.length;
      if (received > BODY_BYTES_MAX) {
        body.off('data', count);
        return;
      }
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
