/**
 * A dialect: the protocol that clients speak on a connection. It decodes bytes into requests, and encodes answers, events
 * and deliveries as bytes. Sessions, fan-out and the registry do not depend on any dialect. A listener names the module
 * that exports its dialect as `dialect`.
 */

import type { RefusalCode, ServerFrame } from '../protocol/vocabulary.ts';
import type { Arena } from '../transport/arena.ts';
import type { Outbox } from '../transport/outbox.ts';
import type { Translation } from './translation.ts';

export interface Dialect {
  /** Creates the codec of a new connection. `limit`: the largest request accepted, in bytes. */
  open(limit: number): Codec;
}

/** The result of reading: a request, a need for more bytes, or a stream that cannot be decoded any further. */
export type Read =
  /** `request`: `[verb, request id, …arguments]`, unchecked; undefined if the client sent something else. */
  | { readonly type: 'request'; readonly request: readonly unknown[] | undefined }
  | { readonly type: 'more' }
  | { readonly type: 'fault'; readonly fault: RefusalCode };

/** The dialect's state for one connection. */
export interface Codec {
  /** Largest request accepted, in bytes. A change applies to requests that have not been read yet. */
  limit: number;
  /** Appends the next bytes. They are buffered until `next` consumes them, so a caller that stops must pause its socket. */
  push(bytes: Buffer): void;
  next(): Read;
  /** The bytes of an answer or event for this connection. */
  encode(frame: ServerFrame): Buffer;
  /** Answers a `send`, the most frequent request, with `["ok", requestId, [id, at]]`. `arena`: for small frames. */
  stored(out: Outbox, arena: Arena, requestId: number, id: number, at: number): void;
  /**
   * Translates encoded frames of the native dialect, which are most of the output. Undefined if the client reads native
   * frames. Connections that need the same bytes share one translation.
   */
  readonly translation: Translation | undefined;
}
