import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

type Side = 'client' | 'server';

/** A piece of a conversation: of Postgres's protocol a message, otherwise the bytes that came together. */
type Message = {
  from: Side;
  /** Postgres's letter for it; empty for its first message and for all other protocols. */
  type: string;
  bytes: Buffer;
  text: string;
};

/** Does it concern this message? `asked` is what the client has said since the server's last answer was complete. */
type Where = (message: Message, asked: string) => boolean;

/** A point in a conversation at which it stands still. */
export type Point = {
  /** From this message on nothing more passes in its direction. */
  holdFrom: Where;
  /** What the receiver gets in place of what is held. */
  instead?: Buffer;
  /** The point is reached with this message, be it a held one; missing: with the first one that is held. */
  reachedWith?: Where;
};

export type StoppingProxy = {
  port: number;
  /** Resolves when a conversation stands still at the point; others go on, until they reach it too. */
  stopAt: (point: Point) => Promise<void>;
  /** New conversations pass whole. One that stood still stays as it is: its process is killed, or it is resumed. */
  release: () => void;
  /** What stood still goes on with all that was held; what was given in its place is not taken back. */
  resume: () => void;
  close: () => Promise<void>;
};

type Protocol = {
  /** Makes messages of what one side sends, piece after piece. */
  reader: (from: Side) => (piece: Buffer) => Message[];
  isAnswerComplete: (message: Message) => boolean;
};

/** Between a client and a server on this machine; it passes everything until it is told where to stop. */
export async function startStoppingProxy(options: {
  port: number;
  protocol: Protocol;
}): Promise<StoppingProxy> {
  const { port, protocol } = options;
  const sockets = new Set<Socket>();
  let stop: Stop | undefined;
  const standing = new Set<() => void>();
  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port });
    for (const socket of [client, upstream]) keep(sockets, socket);
    const pass = conversation({ protocol, currentStop: () => stop, standing });
    join({ from: 'client', sender: client, receiver: upstream, protocol, pass });
    join({ from: 'server', sender: upstream, receiver: client, protocol, pass });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stopAt: (point) =>
      new Promise((reached) => {
        stop = { point, reached };
      }),
    release: () => {
      stop = undefined;
    },
    resume: () => {
      stop = undefined;
      for (const goOn of standing) goOn();
      standing.clear();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

type Stop = { point: Point; reached: () => void };
type Pass = (message: Message, receiver: Socket) => void;

function conversation(options: {
  protocol: Protocol;
  currentStop: () => Stop | undefined;
  /** Gets, when it stands still, what makes it go on. */
  standing: Set<() => void>;
}): Pass {
  const isHeld = { client: false, server: false };
  const held: (() => void)[] = [];
  const goOn = () => {
    isHeld.client = false;
    isHeld.server = false;
    for (const send of held.splice(0)) send();
  };
  let asked = '';
  return (message, receiver) => {
    const { from, bytes } = message;
    if (from === 'client') asked += message.text;
    const stop = options.currentStop();
    const wasHeld = isHeld[from];
    isHeld[from] ||= stop?.point.holdFrom(message, asked) ?? false;
    const { holdFrom, reachedWith = holdFrom, instead } = stop?.point ?? {};
    if (reachedWith?.(message, asked)) stop?.reached();
    if (options.protocol.isAnswerComplete(message)) asked = '';
    if (!isHeld[from]) return void receiver.write(bytes);
    held.push(() => receiver.write(bytes));
    options.standing.add(goOn);
    if (!wasHeld && instead) receiver.write(instead);
  };
}

function keep(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.setNoDelay(true);
  socket.once('close', () => sockets.delete(socket));
  // Processes are killed here and servers stopped: both are to be seen by the other side as they are.
  socket.on('error', () => undefined);
}

function join(options: {
  from: Side;
  sender: Socket;
  receiver: Socket;
  protocol: Protocol;
  pass: Pass;
}): void {
  const { from, sender, receiver, protocol, pass } = options;
  const read = protocol.reader(from);
  sender.on('data', (piece) => {
    for (const message of read(piece)) pass(message, receiver);
  });
  sender.once('close', () => receiver.destroy());
}

/** HTTP of either version: what comes together is taken together, and the server's first bytes are its answer. */
export const HTTP: Protocol = {
  reader: (from) => (bytes) => [{ from, type: '', bytes, text: bytes.toString('latin1') }],
  isAnswerComplete: ({ from }) => from === 'server',
};

/** Of Postgres's protocol (manual, chapter 55): a letter, then a length that counts itself. */
export const POSTGRES: Protocol = {
  reader: (from) => {
    let rest = Buffer.alloc(0);
    // The client's very first message has no letter.
    let letterBytes = from === 'client' ? 0 : 1;
    return (piece) => {
      rest = Buffer.concat([rest, piece]);
      const messages: Message[] = [];
      while (rest.length >= letterBytes + 4 && rest.length >= letterBytes + rest.readInt32BE(letterBytes)) {
        const bytes = rest.subarray(0, letterBytes + rest.readInt32BE(letterBytes));
        const type = bytes.toString('latin1', 0, letterBytes);
        messages.push({ from, type, bytes, text: bytes.toString('latin1', letterBytes + 4) });
        rest = rest.subarray(bytes.length);
        letterBytes = 1;
      }
      return messages;
    };
  },
  // ReadyForQuery, outside of a transaction.
  isAnswerComplete: ({ from, type, text }) => from === 'server' && type === 'Z' && text === 'I',
};

/** Asks Postgres to answer what it has done so far, without ending (and so committing) the transaction. */
export const POSTGRES_FLUSH = Buffer.from([0x48, 0, 0, 0, 4]);
