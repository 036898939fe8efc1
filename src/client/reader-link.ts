/**
 * The channel between the main thread and the reader thread: bytes and own records in one direction, what the
 * bytes said in the other. A plain `MessagePort`, because bytes are handed over without a copy and need no answer.
 *
 * Bounded in both kinds of what goes in. Bytes: over the limit the socket MUST be paused, and go on below half of
 * it, so that TCP holds the server back. Own records: over the limit `isFull`, and no further line may be run.
 */

import type { MessagePort } from 'node:worker_threads';
import type { Event } from '../transport/protocol.ts';
import type { DisplayRecord } from './display/record.ts';
import type { Trouble } from './recorder.ts';
import type { ServerAnswer } from './server-frame.ts';

export type ToReader =
  /** A connection begins: its bytes are a stream of their own. `user` is whose messages are own ones. */
  | { readonly type: 'begin'; readonly connection: number; readonly user: string }
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }
  /** The connection has closed; answered by `ended` when all its bytes have been read. */
  | { readonly type: 'end'; readonly connection: number }
  | { readonly type: 'records'; readonly records: readonly DisplayRecord[] }
  /** Look for an event with this text; answered by `matched`, once, if there is one. */
  | { readonly type: 'watch'; readonly text: string }
  | { readonly type: 'unwatch' }
  /** Write what is outstanding, within a few seconds, and close the display; answered by `closed`. */
  | { readonly type: 'close' };

export type FromReader =
  | {
      readonly type: 'frames';
      readonly connection: number;
      readonly answers: readonly ServerAnswer[];
      /** All events with `--json`; otherwise those that the session acts on. */
      readonly events: readonly Event[];
      /** Names in this chunk that were not told lately. */
      readonly names: readonly string[];
    }
  /** Written to the display: this many bytes' worth of frames, or records; and the last id among them. */
  | { readonly type: 'written'; readonly bytes: number; readonly records: number; readonly id: number | null }
  /** What the server sent cannot be relied on; the rest of this connection is not read. */
  | { readonly type: 'untrusted'; readonly connection: number; readonly text: string }
  | { readonly type: 'ended'; readonly connection: number }
  | { readonly type: 'matched' }
  | { readonly type: 'closed' }
  | { readonly type: 'trouble'; readonly trouble: Trouble };

const BYTES_LIMIT = 1024 * 1024;
const RECORDS_LIMIT = 4_000;

/** Who is behind: the display file, or whoever reads the lines of `--json`. */
type Hold = 'display' | 'output';

/** What the readerLink can do to the source of its bytes. */
export interface Source {
  pause(): void;
  resume(): void;
}

export class ReaderLink {
  readonly #port: MessagePort;
  #source: Source | undefined;
  #bytes = 0;
  #records = 0;
  #closed: (() => void) | undefined;
  readonly #holds = new Set<Hold>();
  /** The last id that is in the display; 0 when there is none. */
  cursor = 0;

  constructor(port: MessagePort, receive: (message: FromReader) => void) {
    this.#port = port;
    port.once('close', () => this.#closed?.());
    port.on('message', (message: FromReader) => {
      if (message.type === 'written') this.#written(message.bytes, message.records, message.id);
      else if (message.type === 'closed') this.#closed?.();
      else receive(message);
    });
  }

  /** True when the display is so far behind that nothing more may be typed into it. */
  get isFull(): boolean {
    return this.#records >= RECORDS_LIMIT;
  }

  /** True while the source is held back: its silence then says nothing about the server. */
  get isPaused(): boolean {
    return this.#holds.size > 0;
  }

  /** Pauses the source until `release`, for one reason of possibly several. */
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

  /** Hands the bytes over: the chunk is empty afterwards. */
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

  show(...records: DisplayRecord[]): void {
    this.#records += records.length;
    this.#post({ type: 'records', records });
  }

  watch(text: string): void {
    this.#post({ type: 'watch', text });
  }

  unwatch(): void {
    this.#post({ type: 'unwatch' });
  }

  /** Closes the display behind all that was shown, and the channel. Waits for that, but not forever. */
  async close(timeoutMs: number): Promise<void> {
    const closed = Promise.withResolvers<void>();
    const deadline = setTimeout(closed.resolve, timeoutMs);
    this.#closed = closed.resolve;
    this.#post({ type: 'close' });
    await closed.promise;
    clearTimeout(deadline);
    this.#port.close();
  }

  /** Closes the channel at once. */
  abandon(): void {
    this.#port.close();
  }

  #post(message: ToReader): void {
    this.#port.postMessage(message);
  }

  #written(bytes: number, records: number, id: number | null): void {
    this.#bytes -= bytes;
    this.#records -= records;
    if (id !== null && id > this.cursor) this.cursor = id;
    if (this.#bytes < BYTES_LIMIT / 2) this.release('display');
  }
}
