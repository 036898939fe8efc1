/**
 * What a dialect is: a language that clients speak on a connection. It turns bytes into requests, and answers, events and
 * deliveries into bytes. Sessions, fan-out and the registry know none of them; a listener names the one that its clients
 * speak, by the module that exports it as `dialect`.
 */

import type { RefusalCode, ServerFrame } from '../protocol/vocabulary.ts';
import type { Arena } from '../transport/arena.ts';
import type { Outbox } from '../transport/outbox.ts';
import type { Translation } from './translation.ts';

export interface Dialect {
  /** The codec of a new connection, which accepts requests of up to so many bytes. */
  open(limit: number): Codec;
}

/** What a codec has next: a request, nothing before more bytes come, or a stream that can no longer be trusted. */
export type Read =
  /** `request`: `[verb, request id, …arguments]`, unchecked; undefined if the client sent something else. */
  | { readonly type: 'request'; readonly request: readonly unknown[] | undefined }
  | { readonly type: 'more' }
  | { readonly type: 'fault'; readonly fault: RefusalCode };

/** One connection's end of a dialect. May keep what the dialect has to remember between requests and answers. */
export interface Codec {
  /** Largest request accepted from here on, in bytes. */
  limit: number;
  /** Gives it the next bytes. What `next` has not taken is kept: a caller that stops reading must pause its socket. */
  push(bytes: Buffer): void;
  next(): Read;
  /** The bytes of an answer or event for this connection. */
  encode(frame: ServerFrame): Buffer;
  /** Answers a `send`, the most frequent request, by `["ok", requestId, [id, at]]`. `arena`: room for small answers. */
  stored(out: Outbox, arena: Arena, requestId: number, id: number, at: number): void;
  /**
   * How finished native frames, which are most of what clients are sent, are put for this connection. Undefined if they are
   * sent as they are. Connections that want the same bytes have the same translation.
   */
  readonly translation: Translation | undefined;
}
