/** Sees what a simulator answers and tells, such as a test that holds it against a specification. */
export interface Observer {
  /** Called before an answer of the API is sent. */
  onAnswer(answer: ObservedAnswer): void;
  /** Called with each snapshot event when it is written, as it is shown then. */
  onEvent(event: unknown): void;
}

export interface ObservedAnswer {
  readonly method: string;
  /** The endpoint's path, with `:id` in it; null for a URL that is none. */
  readonly path: string | null;
  /** Of query and body, decoded, every leaf a text. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly body: string;
  /** The kind of the fault that struck the request. */
  readonly fault: string | null;
}
