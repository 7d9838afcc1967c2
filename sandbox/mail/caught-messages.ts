const MESSAGES_MAX = 1_000;

export type CaughtMessage = {
  /** Envelope addresses: whom it really came from and went to. */
  from: string;
  to: string[];
  subject: string;
  text: string;
  html: string;
  messageId: string;
  at: Date;
};

export type CaughtMessages = {
  all(): readonly CaughtMessage[];
  add(message: CaughtMessage): void;
  waitFor(predicate: (message: CaughtMessage) => boolean, timeoutMs: number): Promise<CaughtMessage>;
};

/** Keeps the last 1,000 messages, oldest first, and wakes those who wait for one. */
export function keepMessages(): CaughtMessages {
  const messages: CaughtMessage[] = [];
  const waiting = new Set<(message: CaughtMessage) => void>();
  return {
    all: () => [...messages],
    add(message) {
      messages.push(message);
      if (messages.length > MESSAGES_MAX) messages.shift();
      for (const wake of waiting) wake(message);
    },
    waitFor(predicate, timeoutMs) {
      const found = messages.find(predicate);
      if (found) return Promise.resolve(found);
      return new Promise((resolve, reject) => {
        const tooLong = setTimeout(() => {
          waiting.delete(wake);
          const subjects = messages.map(({ to, subject }) => `${to.join(', ')}: ${subject}`);
          reject(new Error([`no such message within ${timeoutMs} ms, but`, ...subjects].join('\n  ')));
        }, timeoutMs);
        const wake = (message: CaughtMessage) => {
          if (!predicate(message)) return;
          clearTimeout(tooLong);
          waiting.delete(wake);
          resolve(message);
        };
        waiting.add(wake);
      });
    },
  };
}
