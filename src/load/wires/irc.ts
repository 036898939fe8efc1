/**
 * The load test over IRC (RFC 1459 and 2812, as servers speak it today). A visitor is a nick; a password is that of the
 * server. IRC answers no message and keeps nothing for who is away.
 */

import { connect, type Socket } from 'node:net';
import { within } from '../../common/deadline.ts';
import {
  type Connection,
  type Endpoint,
  type LoggedIn,
  type Past,
  UNMATCHED,
  type Visitor,
  type Wire,
  type WireHandler,
} from './client-wire.ts';
import { IrcLines } from './irc-lines.ts';
import { SendQueue } from './send-queue.ts';

const CONNECT_MS = 10_000;
const ANSWER_MS = 60_000;
/** How long a server may take to close after QUIT. */
const QUIT_MS = 5_000;

const WELCOME = '001';
const END_OF_NAMES = '366';
const NO_MOTD = '422';

const NOTHING: Past = { token: undefined, lastId: 0 };
const LOST: LoggedIn = { type: 'lost' };

const QUEUE_LIMIT = 16 * 1_024 * 1_024;
const LINE_END = Buffer.from('\r\n', 'latin1');

const READ_BYTES = 65_536;
/**
 * What is read is used up before the next read, so all connections of a thread read into the same bytes. Not on Windows, where
 * the system may be at work in the bytes of several connections at once.
 */
const sharedBytes = process.platform === 'win32' ? undefined : Buffer.allocUnsafeSlow(READ_BYTES);

class IrcConnection implements Connection {
  readonly #socket: Socket;
  readonly #handler: WireHandler;
  readonly #lines: IrcLines;
  /** Resolves when the connection stands, and rejects with the error of the socket. */
  readonly opened: Promise<void>;
  #isOpen = false;
  #entering: { readonly name: string; readonly answer: (answer: LoggedIn) => void } | undefined;
  readonly #joining = new Map<string, PromiseWithResolvers<boolean>>();
  /** A server says nothing to a JOIN of who is in already. */
  readonly #rooms = new Set<string>();
  readonly #queue: SendQueue;
  #reason: string | undefined;
  #quitting: NodeJS.Timeout | undefined;

  constructor({ host, port, from }: Endpoint, handler: WireHandler) {
    this.#handler = handler;
    this.#lines = new IrcLines({
      message: (bytes, start, end) => handler.message(bytes, start, end, 0),
      said: (line) => this.#hear(line),
    });
    const bytes = sharedBytes ?? Buffer.allocUnsafeSlow(READ_BYTES);
    const socket = connect({
      host,
      port,
      noDelay: true,
      ...(from === undefined ? {} : { localAddress: from }),
      onread: {
        buffer: bytes,
        callback: (length) => {
          handler.came();
          if (!this.#lines.push(bytes, length)) this.#fail('a line that is too long');
          // Who is to read no more is paused.
          return true;
        },
      },
    });
    this.#socket = socket;
    this.#queue = new SendQueue(socket, QUEUE_LIMIT, () => this.#fail('the server does not read'));
    this.opened = new Promise((resolve, reject) => {
      socket.setTimeout(CONNECT_MS, () =>
        socket.destroy(new Error(`no connection in ${CONNECT_MS / 1_000} s`)),
      );
      socket.once('connect', () => {
        socket.setTimeout(0);
        this.#isOpen = true;
        resolve();
      });
      socket.on('error', (error) => {
        this.#reason ??= 'code' in error ? String(error.code) : error.message;
        reject(error);
      });
    });
    socket.once('close', () => this.#close());
  }

  async enter({ name, password }: Visitor): Promise<LoggedIn> {
    const answered = Promise.withResolvers<LoggedIn>();
    this.#entering = { name, answer: answered.resolve };
    if (password !== undefined) this.#write(`PASS ${password}\r\n`);
    this.#write(`NICK ${name}\r\nUSER load 0 * :load\r\n`);
    if (this.#socket.destroyed) return LOST;
    const answer = await within(answered.promise, ANSWER_MS, undefined);
    this.#entering = undefined;
    if (answer !== undefined) return answer;
    this.#fail(`no answer to NICK in ${ANSWER_MS / 1_000} s`);
    return LOST;
  }

  async join(room: string): Promise<boolean> {
    const key = room.toLowerCase();
    if (this.#socket.destroyed) return false;
    if (this.#rooms.has(key)) return true;
    const earlier = this.#joining.get(key);
    if (earlier !== undefined) return earlier.promise;
    const answered = Promise.withResolvers<boolean>();
    this.#joining.set(key, answered);
    this.#write(`JOIN ${room}\r\n`);
    const isIn = await within(answered.promise, ANSWER_MS, undefined);
    if (isIn === undefined) this.#fail(`no answer to JOIN in ${ANSWER_MS / 1_000} s`);
    return isIn ?? false;
  }

  send(to: string, text: Buffer): void {
    const begin = beginOf(to);
    this.#queue.push(begin.length + text.length + LINE_END.length, (block, start) => {
      let at = start + begin.copy(block, start);
      at += text.copy(block, at);
      return at + LINE_END.copy(block, at);
    });
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  past(): Past {
    return NOTHING;
  }

  /** The server closes first, so that the port on this side is free again at once. */
  quit(): void {
    if (this.#socket.destroyed || this.#quitting !== undefined) return;
    this.#reason ??= '';
    this.#write('QUIT\r\n');
    this.#socket.resume();
    this.#quitting = setTimeout(() => this.destroy(), QUIT_MS);
  }

  destroy(): void {
    this.#fail('');
  }

  #fail(reason: string): void {
    this.#reason ??= reason;
    this.#lines.stop();
    this.#socket.destroy();
  }

  #write(text: string): void {
    this.#queue.push(text.length, (block, start) => start + block.write(text, start, 'latin1'));
  }

  #hear(line: string): void {
    const words = line.split(' ');
    if (line.startsWith(':')) words.shift();
    const [command = '', nick = '', subject = ''] = words;
    if (command === 'PING') this.#write(`PONG ${words.slice(1).join(' ')}\r\n`);
    else if (command === 'ERROR') this.#reason ??= farewell(line);
    else if (!/^\d{3}$/.test(command)) return;
    else if (command === WELCOME) this.#welcome(nick);
    else if (command === END_OF_NAMES) this.#joined(subject.toLowerCase());
    else if (command >= '400' && command < '600' && command !== NO_MOTD)
      this.#refused(command, subject.toLowerCase());
  }

  #welcome(nick: string): void {
    if (this.#entering === undefined) return;
    // Some servers cut a nick that is too long for them: nobody would reach that user.
    const isSame = this.#entering.name.toLowerCase() === nick.toLowerCase();
    this.#answer(isSame ? { type: 'in' } : { type: 'refused', code: 'another_nick' });
    if (isSame) this.#handler.live();
  }

  #joined(room: string): void {
    this.#rooms.add(room);
    this.#settle(room, true);
  }

  #refused(code: string, subject: string): void {
    if (this.#entering !== undefined) this.#answer({ type: 'refused', code });
    // A refusal names the recipient but not the message, and of what was not refused nobody hears.
    else if (!this.#settle(subject, false)) this.#handler.refused(UNMATCHED, code);
  }

  #answer(answer: LoggedIn): void {
    this.#entering?.answer(answer);
    this.#entering = undefined;
  }

  /** False if nobody waits for that room. */
  #settle(room: string, isIn: boolean): boolean {
    const join = this.#joining.get(room);
    join?.resolve(isIn);
    return this.#joining.delete(room);
  }

  #close(): void {
    this.#queue.close();
    clearTimeout(this.#quitting);
    this.#answer(LOST);
    for (const join of this.#joining.values()) join.resolve(false);
    this.#joining.clear();
    if (this.#isOpen) this.#handler.closed(this.#reason ?? 'the server closed the connection');
  }
}

/** What a message begins with, by recipient: those of a run are written to again and again. */
const begins = new Map<string, Buffer>();

function beginOf(to: string): Buffer {
  const known = begins.get(to);
  if (known !== undefined) return known;
  const begin = Buffer.from(`PRIVMSG ${to} :`, 'latin1');
  begins.set(to, begin);
  return begin;
}

/** Without the address, which would make every farewell another one. */
function farewell(line: string): string {
  const text = line.slice(line.indexOf('ERROR') + 5).replace(/^ *:?/, '');
  return `error ${text.replace(/ ?\(\S*@\S*\)/, '')}`.trim().slice(0, 100);
}

/**
 * Of the 512 bytes of a line that a server sends: what is left beside the longest names that are usual (nick 32, user 11,
 * host 64, room 64).
 */
const LONGEST_TEXT = 320;

export const ircWire: Wire = {
  name: 'irc',
  acknowledges: false,
  resumes: false,
  hasOrder: false,
  longestText: LONGEST_TEXT,
  async connect(endpoint, handler) {
    const connection = new IrcConnection(endpoint, handler);
    await connection.opened;
    return connection;
  },
};
