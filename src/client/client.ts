/**
 * The parts of a running client that interactive and script mode share: both threads, the display and the session. The
 * client owns everything it starts; `stop` ends all of it.
 */

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { startThread, type Thread, threadFile } from '../actors/kernel/thread.ts';
import { type Address, formatAddress } from '../common/address.ts';
import { timerDelay } from '../common/deadline.ts';
import { EXIT } from '../common/exit.ts';
import { shorten } from '../common/printable.ts';
import { plainLine } from './commands/answer-line.ts';
import { isSecretLine } from './commands/line.ts';
import type { Result } from './commands/result.ts';
import type { WriterApi } from './commands/writer.worker.ts';
import type { ConnectionStatus } from './display/live.ts';
import type { DisplayRefusal } from './display/open-display.ts';
import { ExitReason } from './exit-reason.ts';
import { type KnownNames, Names } from './reader/known-names.ts';
import type { ReaderApi } from './reader/reader.worker.ts';
import { type FromReader, ReaderLink } from './reader/reader-link.ts';
import type { UnsentOutcome } from './session/carry-over.ts';
import type { Unsent } from './session/send-queue.ts';
import { Session, type State } from './session/session.ts';
import { eventLine, type JsonLine, resultLine } from './terminal/json.ts';
import type { Output } from './terminal/output.ts';

/** How long the display may take to open, and to write outstanding records at the end. In ms. */
const DISPLAY_MS = 10_000;
/** How long quitting waits for received events to be written, so that they count as seen. In ms. */
const WRITTEN_MS = 1_000;
/** How long quitting waits for messages to be acknowledged. In ms. */
const ACKNOWLEDGE_MS = 3_000;
/** How many characters of a typed line the display repeats above its result. */
const SHOWN_CHARACTERS = 200;

export interface Unfinished {
  /** What happens to messages that the server has not acknowledged. */
  readonly unsent: UnsentOutcome;
  /** The number of records missing from the display. */
  readonly unwritten: number;
}

export class Client {
  readonly exitReason = new ExitReason();
  readonly readerLink: ReaderLink;
  readonly names: KnownNames = { people: new Names(), rooms: new Names() };
  readonly reader: Thread<ReaderApi>;
  readonly writer: Thread<WriterApi>;
  readonly #json: boolean;
  #output: Output | undefined;
  #session: Session | undefined;
  #matched: (() => void) | undefined;
  #isDisplayOpen = false;

  constructor(reader: Thread<ReaderApi>, writer: Thread<WriterApi>, port: MessagePort, json: boolean) {
    this.reader = reader;
    this.writer = writer;
    this.#json = json;
    this.readerLink = new ReaderLink(port, (message) => this.#receive(message));
    for (const thread of [reader, writer]) {
      void thread.exited.then((reason) => {
        const why = reason.type === 'failed' ? `: ${reason.error.message}` : '';
        this.exitReason.end(
          EXIT.failure,
          `the ${thread.name} thread stopped unexpectedly${why}; start the client again`,
        );
      });
    }
  }

  /** Directs all further output there. */
  setOutput(output: Output): void {
    this.#output = output;
  }

  /** Why the display could not be opened there; undefined if it could. */
  async checkDisplay(file: string, force: boolean): Promise<DisplayRefusal | undefined> {
    const outcome = await this.reader.call((api) => api.check(file, force), DISPLAY_MS);
    return outcome.type === 'answered' ? outcome.value : diskTimeout(file);
  }

  /** Opens the display until `stop`. Records shown before this call appear in it too. */
  async openDisplay(file: string, title: string, force: boolean): Promise<{ type: 'open' } | DisplayRefusal> {
    const outcome = await this.reader.call((api) => api.open(file, title, force), DISPLAY_MS);
    if (outcome.type === 'answered') {
      this.#isDisplayOpen = outcome.value.type === 'open';
      return outcome.value;
    }
    return diskTimeout(file);
  }

  /** Creates the client's only session. `changed` is called after every state change. */
  openSession(address: Address, changed: () => void): Session {
    const session = new Session(address, this.readerLink, {
      changed: () => {
        this.readerLink.connection(connectionStatus(session.state));
        changed();
      },
      connection: (state, text) => {
        const at = Date.now();
        this.readerLink.show({ type: 'connection', state, at, text });
        this.#printJson({ event: 'connection', state, at, text });
      },
      over: (code, text) => this.exitReason.end(code, `${formatAddress(address)}: ${text}`),
    });
    this.#session = session;
    return session;
  }

  /** Prints the result of a typed line, and shows it in the display. */
  report(line: string, result: Result): void {
    const lines = result.ok ? result.lines : [result.text];
    if (lines.length > 0 && !this.readerLink.isFull && !hasOwnRecord(result)) {
      const command = shorten(displayedCommand(line, result), SHOWN_CHARACTERS);
      this.readerLink.show({ type: 'answer', at: Date.now(), command, ok: result.ok, lines });
    }
    this.#printJson(resultLine(result));
    if (!result.ok) this.#output?.error(result.text);
    else if (!this.#json && lines.length > 0) this.#output?.answer(lines.map(plainLine));
  }

  /** Waits until an event contains `text`; see `WaitFor`. */
  waitFor(text: string, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isSeen: boolean): void => {
        clearTimeout(deadline);
        this.#matched = undefined;
        if (!isSeen) this.readerLink.cancelWaitFor();
        resolve(isSeen);
      };
      const deadline = setTimeout(settle, timerDelay(timeoutMs), false).unref();
      this.#matched = () => settle(true);
      this.readerLink.waitFor(text);
    });
  }

  /**
   * Ends everything in order. `decide` receives the messages that the server has not stored, and decides what happens
   * to them.
   */
  async stop(decide: (unsent: readonly Unsent[]) => UnsentOutcome): Promise<Unfinished> {
    const session = this.#session;
    if (session?.state.type === 'online') {
      await session.sendQueue.whenEmpty(ACKNOWLEDGE_MS);
      if (this.#isDisplayOpen) await this.readerLink.whenWritten(WRITTEN_MS);
    }
    const unsent = decide(session?.sendQueue.unsent ?? []);
    await session?.quit(unsent.type === 'kept' ? 'saved for the next start' : undefined);
    let unwritten = 0;
    if (this.#isDisplayOpen) unwritten = await this.readerLink.close(DISPLAY_MS);
    else this.readerLink.abandon();
    await Promise.all([this.reader.kill(), this.writer.kill()]);
    return { unsent, unwritten };
  }

  /** The consumer of `--json` output has caught up, so the socket may be read again. */
  outputDrained(): void {
    this.readerLink.release('output');
  }

  #printJson(line: JsonLine): void {
    if (this.#json && this.#output?.json(line) === false) this.readerLink.hold('output');
  }

  #receive(message: FromReader): void {
    switch (message.type) {
      case 'frames':
        for (const event of message.events) this.#printJson(eventLine(event));
        for (const name of message.names) this.names[name.startsWith('#') ? 'rooms' : 'people'].add(name);
        this.#session?.receive(message);
        return;
      case 'protocol_error':
      case 'ended':
        this.#session?.receive(message);
        return;
      case 'matched':
        this.#matched?.();
        return;
      case 'display_status':
        // With `--json`, stdout carries only events and answers.
        if (message.status.type === 'failed' || this.#json) this.#output?.error(message.status.text);
        else this.#output?.answer([message.status.text]);
        return;
      case 'written':
      case 'floor':
      case 'closed':
        return;
      default:
        message satisfies never;
    }
  }
}

/** The state as the display shows it. */
function connectionStatus(state: State): ConnectionStatus {
  switch (state.type) {
    case 'online':
    case 'connecting':
      return { state: state.type };
    case 'waiting':
      return { state: 'waiting', retryIn: state.until - performance.now() };
    case 'outside':
    case 'over':
      return { state: 'offline' };
    default:
      return state satisfies never;
  }
}

function diskTimeout(file: string): DisplayRefusal {
  const text = `cannot write the display ${file}: the disk does not respond; choose another file`;
  return { type: 'refused', code: 'unwritable', text };
}

/** The typed line as the display repeats it, without anything that may be a password. */
function displayedCommand(line: string, { of }: Result): string {
  const isShort = of === 'unknown' || of === 'password' || isSecretLine(line);
  return (isShort ? /^\S*/.exec(line.trim())?.[0] : line.trim()) ?? '';
}

/** Accepted messages have their own records, which show their status. */
function hasOwnRecord(result: Result): boolean {
  return result.of === 'send' && (result.ok || (result.code !== 'bad_line' && result.code !== 'full'));
}

export type StartedClient =
  | { readonly type: 'started'; readonly client: Client }
  | { readonly type: 'failed'; readonly text: string };

/** Starts the threads. With `json`, every event is also printed. */
export async function startClient(json: boolean): Promise<StartedClient> {
  const { port1, port2 } = new MessageChannel();
  const here = import.meta.url;
  const [reader, writer] = await Promise.all([
    startThread<ReaderApi>(
      'reader',
      threadFile('./reader/reader.worker.ts', here),
      { port: port2, allEvents: json },
      [port2],
    ),
    startThread<WriterApi>('writer', threadFile('./commands/writer.worker.ts', here), {}),
  ]);
  if (reader.type === 'started' && writer.type === 'started') {
    return { type: 'started', client: new Client(reader.thread, writer.thread, port1, json) };
  }
  port1.close();
  const failures: string[] = [];
  for (const started of [reader, writer]) {
    if (started.type === 'started') await started.thread.kill();
    else failures.push(started.error.message);
  }
  return { type: 'failed', text: `the client cannot start its threads: ${failures.join('; ')}` };
}
