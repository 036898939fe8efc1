/** The receiving half of the client, in the reader thread: bytes → frames → events → display records. */

import { foldName } from '../../chat/names.ts';
import { decodeBody } from '../../protocol/codec.ts';
import { FrameDecoder } from '../../protocol/frame.ts';
import { type Event, LIMITS } from '../../protocol/vocabulary.ts';
import { conversationOf, type DisplayRecord } from '../display/display-record.ts';
import { DisplayCoverage } from './display-coverage.ts';
import type { DisplayQueue } from './display-queue.ts';
import { entryId, lineOf, namesIn, recordOf } from './event-records.ts';
import { Names } from './known-names.ts';
import { PendingEntries, type ShownEntry } from './pending-entries.ts';
import type { FromReader, SettledMessage, ToReader } from './reader-link.ts';
import { readServerFrame, type ServerAnswer } from './server-frame.ts';
import { WaitFor } from './wait-for.ts';

export interface ReaderOptions {
  /** Report every event to the main thread. */
  readonly allEvents: boolean;
  post(message: FromReader): void;
  readonly displayQueue: DisplayQueue;
}

/** The byte stream of one connection. */
interface Stream {
  readonly connection: number;
  readonly user: string;
  readonly decoder: FrameDecoder;
  isTrusted: boolean;
}

export class Reader {
  readonly #options: ReaderOptions;
  #stream: Stream | undefined;
  readonly #waitFor: WaitFor;
  readonly #reportedNames = new Names();
  readonly #pendingEntries = new PendingEntries();
  readonly #coverage = new DisplayCoverage();
  /** Keys of messages from an earlier run, which the display does not have. */
  #recognised: ReadonlySet<string> = new Set();
  /**
   * The id up to which the display has everything for this user, or will have once the queue is written. Ids rise
   * within a connection, in events and in answers to first attempts, and the next connection resumes after this one.
   * Therefore an entry at or below it MUST NOT be shown again.
   */
  #lastId = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#waitFor = new WaitFor(() => options.post({ type: 'matched' }));
    options.displayQueue.onNewPage((oldest) => this.#coverage.renew(oldest ?? this.#lastId + 1));
  }

  receive(message: ToReader): void {
    switch (message.type) {
      case 'begin':
        this.#stream = {
          connection: message.connection,
          user: message.user,
          decoder: new FrameDecoder(LIMITS.frame),
          isTrusted: true,
        };
        return;
      case 'bytes':
        this.#read(message.bytes);
        return;
      case 'end':
        this.#pendingEntries.dropConnection();
        this.#options.post({ type: 'ended', connection: message.connection, resumeAfter: this.#lastId });
        return;
      case 'connection':
        this.#options.displayQueue.connection(message.connection);
        return;
      case 'records':
        this.#show(message.records);
        return;
      case 'expect':
        this.#pendingEntries.add(message.requestId, message.expectation);
        return;
      case 'recognise':
        this.#recognised = new Set(message.keys);
        return;
      case 'floor':
        this.#options.post({ type: 'floor', id: this.#coverage.floor(message.conversation) });
        return;
      case 'wait_for':
        this.#waitFor.begin(message.text);
        return;
      case 'cancel_wait_for':
        this.#waitFor.end();
        return;
      case 'close':
        void this.#options.displayQueue
          .close()
          .then((missing) => this.#options.post({ type: 'closed', missing }));
        return;
      default:
        message satisfies never;
    }
  }

  #show(records: readonly DisplayRecord[]): void {
    const { displayQueue, post } = this.#options;
    for (const record of records) {
      if (record.type === 'failed') this.#pendingEntries.giveUp(record.tag);
      if (record.type === 'message' && record.id !== null)
        this.#coverage.add(conversationOf(record), record.id);
      displayQueue.add({ record, written: () => post({ type: 'written', bytes: 0, records: 1, id: null }) });
    }
  }

  #read(bytes: Uint8Array): void {
    const stream = this.#stream;
    const chunk: Chunk = { answers: [], events: [], settled: [], names: [] };
    const fault = stream?.isTrusted ? this.#readFrames(stream, bytes, chunk) : undefined;
    const { post, displayQueue } = this.#options;
    if (stream !== undefined) {
      const { answers, events, settled, names } = chunk;
      if (answers.length + events.length + settled.length + names.length > 0) {
        post({ type: 'frames', connection: stream.connection, answers, events, settled, names });
      }
      if (fault !== undefined) post({ type: 'protocol_error', connection: stream.connection, text: fault });
    }
    const written = { type: 'written', bytes: bytes.length, records: 0, id: this.#lastId } as const;
    displayQueue.add({ record: undefined, written: () => post(written) });
  }

  /** Returns why the stream cannot be read any further, if so. */
  #readFrames(stream: Stream, bytes: Uint8Array, chunk: Chunk): string | undefined {
    stream.decoder.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    for (;;) {
      const decoded = stream.decoder.next();
      if (decoded.type === 'more') return undefined;
      const fault =
        decoded.type === 'fault' ? FAULTS[decoded.fault] : this.#readBody(stream, decoded.body, chunk);
      if (fault !== undefined) {
        stream.isTrusted = false;
        return fault;
      }
    }
  }

  #readBody(stream: Stream, body: Buffer, chunk: Chunk): string | undefined {
    const values = decodeBody(body);
    const frame = values === undefined ? undefined : readServerFrame(values);
    switch (frame?.type) {
      case 'ok':
        this.#showPending(this.#pendingEntries.answered(frame.requestId, frame.result, Date.now()));
        chunk.answers.push(frame);
        return undefined;
      case 'error':
        chunk.answers.push(frame);
        return undefined;
      case 'event':
        this.#take(stream, frame.event, chunk);
        return undefined;
      case 'unknown':
        return undefined;
      case 'malformed':
      case undefined:
        return 'it sent a frame that violates the protocol';
      default:
        return frame satisfies never;
    }
  }

  #take(stream: Stream, event: Event, chunk: Chunk): void {
    if (event[0] === 'message' && this.#settle(stream, event, chunk)) return;
    const id = entryId(event);
    if (id !== undefined && id <= this.#lastId) return;
    if (event[0] === 'live') this.#live(event[1]);
    const isForSession = event[0] === 'live' || event[0] === 'bye' || isOwnMembership(event, stream.user);
    if (this.#options.allEvents || isForSession) chunk.events.push(event);
    for (const name of namesIn(event)) if (this.#reportedNames.add(name)) chunk.names.push(name);
    const line = lineOf(event);
    if (line !== undefined) this.#waitFor.add(line);
    const record = recordOf(event, stream.user, Date.now());
    if (record === undefined) return;
    this.#options.displayQueue.add({ record });
    if (record.type === 'message' && id !== undefined) this.#coverage.add(conversationOf(record), id);
    this.#lastId = id ?? this.#lastId;
  }

  /** The display lacks nothing for this user up to `id`. A server that lost part of its log has a lower one. */
  #live(id: number): void {
    this.#lastId = id;
    this.#coverage.live(id);
  }

  /** True if the display already shows the message as pending: it becomes stored, and is not shown again. */
  #settle(stream: Stream, event: Extract<Event, readonly ['message', ...unknown[]]>, chunk: Chunk): boolean {
    const [, id, at, from, , , key] = event;
    if (key === undefined || foldName(from) !== foldName(stream.user)) return false;
    const arrived = this.#pendingEntries.arrived(key, id, at);
    if (arrived === undefined) {
      if (this.#recognised.has(key)) chunk.settled.push({ key, id, at });
      return false;
    }
    this.#showPending(arrived);
    chunk.settled.push({ key, id, at });
    return true;
  }

  /** Shows a pending entry. The answer to a resent message may be older than events that arrived since. */
  #showPending(arrived: ShownEntry | undefined): void {
    if (arrived === undefined) return;
    const { id, record, conversation } = arrived;
    this.#options.displayQueue.add({ record });
    if (conversation !== undefined) this.#coverage.add(conversation, id);
    this.#lastId = Math.max(this.#lastId, id);
  }
}

function isOwnMembership(event: Event, user: string): boolean {
  return (event[0] === 'joined' || event[0] === 'left') && foldName(event[4]) === foldName(user);
}

/** What was decoded from one chunk of bytes. */
interface Chunk {
  readonly answers: ServerAnswer[];
  readonly events: Event[];
  readonly settled: SettledMessage[];
  readonly names: string[];
}

const FAULTS = {
  bad_frame: 'it sent a frame without a size; check that it is a Parley server',
  frame_too_large: `it sent a frame of more than ${LIMITS.frame} bytes`,
} as const;
