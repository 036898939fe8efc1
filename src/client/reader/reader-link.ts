/**
 * The channel between the main thread and the reader thread: bytes and own records go in, decoded frames come out. A
 * plain `MessagePort`, because bytes are transferred without a copy and need no answer.
 *
 * Both kinds of input are bounded. Bytes: above the limit the socket MUST be paused, and resumed below half of it, so
 * that TCP slows the server down. Own records: at the limit `isFull` is true, and no further line may be run.
 */

import type { MessagePort } from 'node:worker_threads';
import { within } from '../../common/deadline.ts';
import type { Event } from '../../protocol/vocabulary.ts';
import type { DisplayRecord } from '../display/display-record.ts';
import type { ConnectionStatus } from '../display/live.ts';
import type { DisplayStatus } from './display-queue.ts';
import type { PendingEntry } from './pending-entries.ts';
import type { ServerAnswer } from './server-frame.ts';

export type ToReader =
  /** A connection begins; its bytes form a new stream. `user` is the user whose messages are own messages. */
  | { readonly type: 'begin'; readonly connection: number; readonly user: string }
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }
  /** The connection has closed. Answered by `ended` when all its bytes have been read. */
  | { readonly type: 'end'; readonly connection: number }
  /** The new connection status, for open pages. */
  | { readonly type: 'connection'; readonly connection: ConnectionStatus }
  | { readonly type: 'records'; readonly records: readonly DisplayRecord[] }
  /** The answer to the request about to be sent is a log entry. */
  | { readonly type: 'expect'; readonly requestId: number; readonly expectation: PendingEntry }
  /** Own messages with these keys are reported as `settled`, and also shown. */
  | { readonly type: 'recognise'; readonly keys: readonly string[] }
  /** Asks from which id on the display has a conversation. Answered by `floor`. */
  | { readonly type: 'floor'; readonly conversation: string }
  /** Look for an event that contains this text. Answered once by `matched`, if there is one. */
  | { readonly type: 'wait_for'; readonly text: string }
  | { readonly type: 'cancel_wait_for' }
  /** Write outstanding records within a few seconds, and close the display. Answered by `closed`. */
  | { readonly type: 'close' };

/** A message of this client that arrived as an event, because its answer was lost. */
export interface SettledMessage {
  readonly key: string;
  readonly id: number;
  readonly at: number;
}

export type FromReader =
  | {
      readonly type: 'frames';
      readonly connection: number;
      readonly answers: readonly ServerAnswer[];
      /** With `--json` all events; otherwise only those that the session acts on. */
      readonly events: readonly Event[];
      readonly settled: readonly SettledMessage[];
      /** Names in this chunk that were not reported recently. */
      readonly names: readonly string[];
    }
  /**
   * Written to the display: frames of this many bytes, or records. With frames, also the id up to which the display is
   * complete.
   */
  | { readonly type: 'written'; readonly bytes: number; readonly records: number; readonly id: number | null }
  /** The server violated the protocol; the rest of this connection is not read. */
  | { readonly type: 'protocol_error'; readonly connection: number; readonly text: string }
  /** All bytes are read. `resumeAfter`: the id up to which the display is complete, or will be once the queue is written. */
  | { readonly type: 'ended'; readonly connection: number; readonly resumeAfter: number }
  /** The display has nothing of the conversation below this id; null before the first `live`. */
  | { readonly type: 'floor'; readonly id: number | null }
  | { readonly type: 'matched' }
  /** `missing`: the number of records that could not be written. */
  | { readonly type: 'closed'; readonly missing: number }
  | { readonly type: 'display_status'; readonly status: DisplayStatus };

const BYTES_LIMIT = 1024 * 1024;
const RECORDS_LIMIT = 4_000;
/** How long the reader may take to answer a question, in ms. */
const QUESTION_MS = 10_000;

/** Which consumer is slow: the display file, or the reader of the `--json` output. */
type Hold = 'display' | 'output';

/** How the link slows down the source of its bytes. */
export interface Source {
  pause(): void;
  resume(): void;
}

export class ReaderLink {
  readonly #port: MessagePort;
  #source: Source | undefined;
  #bytes = 0;
  #records = 0;
  #closed: ((missing: number) => void) | undefined;
  #allWritten: (() => void) | undefined;
  readonly #floors: Array<(id: number | null) => void> = [];
  readonly #holds = new Set<Hold>();
  /** The id up to which the display is complete for this user; 0 before the first entry. */
  cursor = 0;
  /** The id after which the next connection resumes: the cursor once everything received is written. */
  taken = 0;

  constructor(port: MessagePort, receive: (message: FromReader) => void) {
    this.#port = port;
    port.once('close', () => this.#closed?.(0));
    port.on('message', (message: FromReader) => {
      if (message.type === 'ended') this.taken = message.resumeAfter;
      if (message.type === 'written') this.#written(message.bytes, message.records, message.id);
      else if (message.type === 'floor') this.#floors.shift()?.(message.id);
      else if (message.type === 'closed') this.#closed?.(message.missing);
      else receive(message);
    });
  }

  /** True when so many own records are unwritten that no further line may be run. */
  get isFull(): boolean {
    return this.#records >= RECORDS_LIMIT;
  }

  /** True while the source is paused; silence then says nothing about the server. */
  get isPaused(): boolean {
    return this.#holds.size > 0;
  }

  /** Pauses the source until `release` of every reason for which it is held. */
  hold(reason: Hold): void {
    if (!this.isPaused) this.#source?.pause();
    this.#holds.add(reason);
  }

  release(reason: Hold): void {
    if (this.#holds.delete(reason) && !this.isPaused) this.#source?.resume();
  }

  begin(connection: number, user: string, source: Source): void {
    this.#source = source;
    if (this.isPaused) source.pause();
    this.#post({ type: 'begin', connection, user });
  }

  /** Transfers the bytes: the chunk is empty afterwards. */
  push(chunk: Buffer): void {
    this.#bytes += chunk.length;
    const { buffer } = chunk;
    const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === chunk.length;
    const bytes = isWhole ? new Uint8Array(buffer) : new Uint8Array(chunk);
    this.#port.postMessage({ type: 'bytes', bytes } satisfies ToReader, [bytes.buffer]);
    if (this.#bytes >= BYTES_LIMIT) this.hold('display');
  }

  end(connection: number): void {
    this.#source = undefined;
    this.#post({ type: 'end', connection });
  }

  /** Tells open pages the connection status. */
  connection(connection: ConnectionStatus): void {
    this.#post({ type: 'connection', connection });
  }

  show(...records: DisplayRecord[]): void {
    this.#records += records.length;
    this.#post({ type: 'records', records });
  }

  /** Call before the request is sent. */
  expect(requestId: number, expectation: PendingEntry): void {
    this.#post({ type: 'expect', requestId, expectation });
  }

  /** Call before the login. */
  recognise(keys: readonly string[]): void {
    this.#post({ type: 'recognise', keys });
  }

  /** The id below which the display has nothing of the conversation; null if unknown. */
  floor(conversation: string): Promise<number | null> {
    const { promise, resolve } = Promise.withResolvers<number | null>();
    this.#floors.push(resolve);
    this.#post({ type: 'floor', conversation });
    return within(promise, QUESTION_MS, null);
  }

  /** Waits until all received bytes and all own records are in the file, but no longer than `timeoutMs`. */
  async whenWritten(timeoutMs: number): Promise<void> {
    if (this.#isWritten) return;
    const written = Promise.withResolvers<void>();
    this.#allWritten = written.resolve;
    await within(written.promise, timeoutMs, undefined);
  }

  waitFor(text: string): void {
    this.#post({ type: 'wait_for', text });
  }

  cancelWaitFor(): void {
    this.#post({ type: 'cancel_wait_for' });
  }

  /**
   * Writes what was shown, then closes the display and the channel. Waits for a limited time. Returns the number of
   * records the display lacks.
   */
  async close(timeoutMs: number): Promise<number> {
    const closed = Promise.withResolvers<number>();
    this.#closed = closed.resolve;
    this.#post({ type: 'close' });
    const missing = await within(closed.promise, timeoutMs, this.#records);
    this.#port.close();
    return missing;
  }

  /** Closes the channel at once. */
  abandon(): void {
    this.#port.close();
  }

  get #isWritten(): boolean {
    return this.#bytes === 0 && this.#records === 0;
  }

  #post(message: ToReader): void {
    this.#port.postMessage(message);
  }

  #written(bytes: number, records: number, id: number | null): void {
    this.#bytes -= bytes;
    this.#records -= records;
    this.cursor = id ?? this.cursor;
    if (this.#isWritten) this.#allWritten?.();
    if (this.#bytes < BYTES_LIMIT / 2) this.release('display');
  }
}
