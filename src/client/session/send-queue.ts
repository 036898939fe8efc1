/**
 * Messages that the server has not acknowledged, in the order they were typed. Each has a random key, so that resending
 * cannot store it twice.
 *
 * Bounded: at `PENDING_LIMIT` a further message MUST be refused. While a message waits to be retried because the server
 * could not accept it, later messages wait behind it to preserve the order.
 */

import { readStored } from '../reader/server-frame.ts';
import type { Response } from './requests.ts';

export const PENDING_LIMIT = 1_000;

/**
 * How long the server may keep failing to store a message before it counts as failed, and the retry interval. In ms.
 */
const GIVE_UP_MS = 60_000;
const RETRY_MS = 1_000;

/** A message that the server may not have stored. */
export interface Unsent {
  readonly key: string;
  readonly to: string;
  readonly text: string;
  /** When it was typed, in ms since 1970. */
  readonly at: number;
  /** It was sent at least once, so the server may have stored it. */
  readonly wasSent: boolean;
}

export interface QueuedMessage extends Unsent {
  readonly requestId: number;
  /** The complete request. After a connection loss the same bytes are sent again. */
  readonly frame: Uint8Array;
}

export type SendOutcome =
  | { readonly type: 'stored'; readonly id: number; readonly at: number }
  | { readonly type: 'failed'; readonly code: string; readonly text: string };

/** Where messages are sent while a connection is logged in. */
export interface Sink {
  sendFrame(requestId: number, frame: Uint8Array, settle: (response: Response) => void): void;
  /** The server's answer violates the protocol. */
  protocolError(): void;
}

interface Pending {
  readonly message: QueuedMessage;
  /** Sent on the current connection and not yet answered. */
  isInFlight: boolean;
  wasSent: boolean;
  firstFailureAt: number | undefined;
  settle(sent: SendOutcome): void;
}

export class SendQueue {
  readonly #pending = new Set<Pending>();
  /** Messages of an earlier run by key, until it is known which of them the server has stored. */
  readonly #restored = new Map<string, Unsent>();
  #sink: Sink | undefined;
  #retry: NodeJS.Timeout | undefined;
  #emptied: (() => void) | undefined;

  get size(): number {
    return this.#pending.size;
  }

  /** All messages that the server may not have stored, in order. */
  get unsent(): readonly Unsent[] {
    const pending = [...this.#pending].map(({ message: { key, to, text, at }, wasSent }): Unsent => {
      return { key, to, text, at, wasSent };
    });
    return [...this.#restored.values(), ...pending];
  }

  /** Adds messages of an earlier run. Call before the login, because the replay may show that some are stored. */
  restore(messages: readonly Unsent[]): void {
    this.#restored.clear();
    for (const message of messages) this.#restored.set(message.key, message);
  }

  /** Messages of an earlier run that have neither appeared in the replay nor been sent again. */
  get restored(): readonly Unsent[] {
    return [...this.#restored.values()];
  }

  /** Removes messages that will not be sent in this run. */
  forget(messages: readonly Unsent[]): void {
    for (const { key } of messages) this.#restored.delete(key);
  }

  /** Resolves when the server has stored the message or it has failed for good. Call only below the limit. */
  send(message: QueuedMessage): Promise<SendOutcome> {
    this.#restored.delete(message.key);
    return new Promise((settle) => {
      this.#pending.add({
        message,
        isInFlight: false,
        wasSent: message.wasSent,
        firstFailureAt: undefined,
        settle,
      });
      this.#flush();
    });
  }

  /** Waits until nothing is pending, but no longer than `timeoutMs`. */
  whenEmpty(timeoutMs: number): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, timeoutMs);
      this.#emptied = () => {
        clearTimeout(deadline);
        resolve();
      };
    });
  }

  /** Sends everything on a new connection, including messages that an earlier connection sent without an answer. */
  attach(sink: Sink): void {
    this.#sink = sink;
    this.#flush();
  }

  detach(): void {
    this.#sink = undefined;
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  /**
   * Fails the messages that were in flight when the connection was lost: for a guest they can be neither checked nor
   * resent.
   */
  failSent(text: string): void {
    for (const pending of this.#pending) {
      if (pending.wasSent) this.#finish(pending, { type: 'failed', code: 'lost', text });
    }
  }

  /** The message has arrived as an event, so its answer, if any, adds nothing. */
  settle(key: string, id: number, at: number): void {
    this.#restored.delete(key);
    for (const pending of this.#pending) {
      if (pending.message.key === key) this.#finish(pending, { type: 'stored', id, at });
    }
  }

  failAll(text: string): void {
    for (const pending of this.#pending) this.#finish(pending, { type: 'failed', code: 'lost', text });
  }

  #flush(): void {
    if (this.#sink === undefined || this.#retry !== undefined) return;
    for (const pending of this.#pending) if (!pending.isInFlight) this.#transmit(this.#sink, pending);
  }

  #transmit(sink: Sink, pending: Pending): void {
    pending.isInFlight = true;
    pending.wasSent = true;
    const { requestId, frame } = pending.message;
    sink.sendFrame(requestId, frame, (response) => {
      pending.isInFlight = false;
      switch (response.type) {
        case 'ok': {
          const stored = readStored(response.result);
          if (stored === undefined) sink.protocolError();
          else this.#finish(pending, { type: 'stored', ...stored });
          return;
        }
        case 'error':
          this.#refused(pending, response.code, response.text);
          return;
        case 'lost':
          return;
        default:
          response satisfies never;
      }
    });
  }

  #refused(pending: Pending, code: string, text: string): void {
    pending.firstFailureAt ??= performance.now();
    if (!RETRIABLE.has(code) || performance.now() - pending.firstFailureAt > GIVE_UP_MS) {
      this.#finish(pending, { type: 'failed', code, text });
      return;
    }
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#flush();
    }, RETRY_MS);
  }

  #finish(pending: Pending, sent: SendOutcome): void {
    if (this.#pending.delete(pending)) pending.settle(sent);
    if (this.#pending.size === 0) this.#emptied?.();
  }
}

/** Refusals after which a message is sent again with the same key. */
const RETRIABLE: ReadonlySet<string> = new Set(['busy', 'unavailable', 'timed_out', 'storage_failed']);
