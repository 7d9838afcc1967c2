import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The event types of the API version that stripe-node pins: its own types name them all. */
export interface KnownEventTypes {
  /** Of snapshot events, such as `invoice.paid`. */
  readonly snapshot: ReadonlySet<string>;
  /** Of thin events, such as `v1.invoice.paid`, with whether they name the object that they are about. */
  readonly thin: ReadonlyMap<string, { readonly hasRelatedObject: boolean }>;
}

let read: KnownEventTypes | undefined;

/** Read out of stripe-node's declarations, once per process. */
export function knownEventTypes(): KnownEventTypes {
  read ??= {
    snapshot: new Set([...declaredEvents('Events.d.ts')].map(({ type }) => type)),
    thin: new Map(
      [...declaredEvents('V2/Core/Events.d.ts')].map(({ type, body }) => [
        type,
        { hasRelatedObject: body.includes(' related_object:') },
      ]),
    ),
  };
  return read;
}

function* declaredEvents(file: string): Generator<{ type: string; body: string }> {
  const path = new URL(`resources/${file}`, import.meta.resolve('stripe'));
  const declarations = readFileSync(fileURLToPath(path), 'utf8');
  for (const [, body = ''] of declarations.matchAll(
    /^export interface \w+Event extends EventBase \{([^}]*)/gm,
  )) {
    const type = /^\s*type: '([^']+)';/m.exec(body)?.[1];
    if (type !== undefined) yield { type, body };
  }
}
