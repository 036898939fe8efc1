/**
 * The wire for IRC (RFC 1459 and 2812, as today's servers implement them). A user's name is a nick, and a password is that of
 * the server. IRC does not answer messages, and does not store them for users who are offline.
 */

import { connect, type Socket } from 'node:net';
import { within } from '../../common/deadline.ts';
import {
  type Connection,
  type Credentials,
  type Endpoint,
  type LoginResult,
  type ResumePoint,
  UNMATCHED,
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

const NOTHING: ResumePoint = { token: undefined, lastId: 0 };
const LOST: LoginResult = { type: 'lost' };

const QUEUE_LIMIT = 16 * 1_024 * 1_024;
const LINE_END = Buffer.from('\r\n', 'latin1');

const READ_BYTES = 65_536;
/**
 * The buffer into which all connections of a thread read. Sharing is safe because each read is processed before the next. On
 * Windows it is not, because the system may write to the buffers of several connections at once.
 */
const sharedBytes = process.platform === 'win32' ? undefined : Buffer.allocUnsafeSlow(READ_BYTES);

class IrcConnection implements Connection {
  readonly #socket: Socket;
  readonly #handler: WireHandler;
  readonly #lines: IrcLines;
  /** Resolves when the connection is open. Rejects with the error of the socket. */
  readonly opened: Promise<void>;
  #isOpen = false;
  #pendingLogin: { readonly name: string; readonly answer: (answer: LoginResult) => void } | undefined;
  readonly #joining = new Map<string, PromiseWithResolvers<boolean>>();
  /** Rooms that this client is in. A server does not answer a second JOIN. */
  readonly #rooms = new Set<string>();
  readonly #queue: SendQueue;
  #reason: string | undefined;
  #quitting: NodeJS.Timeout | undefined;

  constructor({ host, port, from }: Endpoint, handler: WireHandler) {
    this.#handler = handler;
    this.#lines = new IrcLines({
      message: (bytes, start, end) => handler.message(bytes, start, end, 0),
      serverLine: (line) => this.#handleLine(line),
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
          handler.readStarted();
          if (!this.#lines.push(bytes, length)) this.#fail('a line that is too long');
          // Reading stops with `pause`, not here.
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

  async login({ name, password }: Credentials): Promise<LoginResult> {
    const answered = Promise.withResolvers<LoginResult>();
    this.#pendingLogin = { name, answer: answered.resolve };
    if (password !== undefined) this.#write(`PASS ${password}\r\n`);
    this.#write(`NICK ${name}\r\nUSER load 0 * :load\r\n`);
    if (this.#socket.destroyed) return LOST;
    const answer = await within(answered.promise, ANSWER_MS, undefined);
    this.#pendingLogin = undefined;
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
    const prefix = prefixFor(to);
    this.#queue.push(prefix.length + text.length + LINE_END.length, (block, start) => {
      let at = start + prefix.copy(block, start);
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

  resumePoint(): ResumePoint {
    return NOTHING;
  }

  /** Lets the server close first, because that frees the local port at once. */
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

  #handleLine(line: string): void {
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
    if (this.#pendingLogin === undefined) return;
    // Some servers truncate a long nick. Messages to that user would not arrive.
    const isSame = this.#pendingLogin.name.toLowerCase() === nick.toLowerCase();
    this.#answer(isSame ? { type: 'ok' } : { type: 'refused', code: 'another_nick' });
    if (isSame) this.#handler.live();
  }

  #joined(room: string): void {
    this.#rooms.add(room);
    this.#settle(room, true);
  }

  #refused(code: string, subject: string): void {
    if (this.#pendingLogin !== undefined) this.#answer({ type: 'refused', code });
    // A refusal names the recipient but not the message, and accepted messages are not answered.
    else if (!this.#settle(subject, false)) this.#handler.refused(UNMATCHED, code);
  }

  #answer(answer: LoginResult): void {
    this.#pendingLogin?.answer(answer);
    this.#pendingLogin = undefined;
  }

  /** Returns false if no join of that room is pending. */
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

/** The first part of a message, by recipient. Cached because a run has few recipients. */
const prefixes = new Map<string, Buffer>();

function prefixFor(to: string): Buffer {
  const known = prefixes.get(to);
  if (known !== undefined) return known;
  const prefix = Buffer.from(`PRIVMSG ${to} :`, 'latin1');
  prefixes.set(to, prefix);
  return prefix;
}

/** Omits the address, so that equal farewells of different clients are counted together. */
function farewell(line: string): string {
  const text = line.slice(line.indexOf('ERROR') + 5).replace(/^ *:?/, '');
  return `error ${text.replace(/ ?\(\S*@\S*\)/, '')}`.trim().slice(0, 100);
}

/** The 512 bytes of a line less the longest usual names: nick 32, user 11, host 64, room 64. */
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
