/** The reader's half of the client: bytes → frames → events → records of the display. Runs in the reader thread. */

import { decodeBody } from '../transport/codec.ts';
import { FrameDecoder } from '../transport/frame.ts';
import { type Event, LIMITS } from '../transport/protocol.ts';
import { Names } from './known-names.ts';
import type { FromReader, ToReader } from './reader-link.ts';
import type { Recorder } from './recorder.ts';
import { readServerFrame, type ServerAnswer } from './server-frame.ts';
import { entryId, lineOf, namesIn, recordOf } from './transcript.ts';
import { Watch } from './watch.ts';

export interface ReaderOptions {
  /** Tell the main thread every event. */
  readonly allEvents: boolean;
  post(message: FromReader): void;
  readonly recorder: Recorder;
}

/** The stream of one connection. */
interface Stream {
  readonly connection: number;
  readonly user: string;
  readonly decoder: FrameDecoder;
  isTrusted: boolean;
}

export class Reader {
  readonly #options: ReaderOptions;
  #stream: Stream | undefined;
  readonly #watch: Watch;
  readonly #told = new Names();

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#watch = new Watch(() => options.post({ type: 'matched' }));
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
        this.#options.post({ type: 'ended', connection: message.connection });
        return;
      case 'records':
        this.#show(message.records);
        return;
      case 'watch':
        this.#watch.begin(message.text);
        return;
      case 'unwatch':
        this.#watch.end();
        return;
      case 'close':
        void this.#options.recorder.close().then(() => this.#options.post({ type: 'closed' }));
        return;
      default:
        message satisfies never;
    }
  }

  #show(records: Extract<ToReader, { type: 'records' }>['records']): void {
    const { recorder, post } = this.#options;
    for (const record of records) {
      recorder.add({ record, written: () => post({ type: 'written', bytes: 0, records: 1, id: null }) });
    }
  }

  #read(bytes: Uint8Array): void {
    const stream = this.#stream;
    const chunk: Chunk = { answers: [], events: [], names: [], lastId: null };
    const fault = stream?.isTrusted ? this.#readFrames(stream, bytes, chunk) : undefined;
    const { post, recorder } = this.#options;
    if (stream !== undefined) {
      const { answers, events, names } = chunk;
      if (answers.length + events.length + names.length > 0) {
        post({ type: 'frames', connection: stream.connection, answers, events, names });
      }
      if (fault !== undefined) post({ type: 'untrusted', connection: stream.connection, text: fault });
    }
    const written = { type: 'written', bytes: bytes.length, records: 0, id: chunk.lastId } as const;
    recorder.add({ record: undefined, written: () => post(written) });
  }

  /** Returns why the stream cannot be read on, if so. */
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
        return 'it sent a frame that the protocol does not allow';
      default:
        return frame satisfies never;
    }
  }

  #take(stream: Stream, event: Event, chunk: Chunk): void {
    const isForSession = event[0] === 'live' || event[0] === 'bye';
    if (this.#options.allEvents || isForSession) chunk.events.push(event);
    for (const name of namesIn(event)) if (this.#told.meet(name)) chunk.names.push(name);
    const line = lineOf(event);
    if (line !== undefined) this.#watch.saw(line);
    const record = recordOf(event, stream.user, Date.now());
    if (record !== undefined) this.#options.recorder.add({ record });
    chunk.lastId = entryId(event) ?? chunk.lastId;
  }
}

/** What one chunk of bytes said. */
interface Chunk {
  readonly answers: ServerAnswer[];
  readonly events: Event[];
  readonly names: string[];
  lastId: number | null;
}

const FAULTS = {
  bad_frame: 'it sent a frame without a size; is it a Parley server?',
  frame_too_large: `it sent a frame of more than ${LIMITS.frame} bytes`,
} as const;
