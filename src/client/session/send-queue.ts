/**
 * Messages that the server has not acknowledged, in the order of typing. Each has a random key, so that sending it
 * again cannot store it twice.
 *
 * Bounded: over `PENDING_LIMIT` a further message MUST be refused. While a message waits to be sent again, because
 * the server could not take it, later ones wait behind it, so that the order stays.
 */

import { readStored } from '../reader/server-frame.ts';
import type { Response } from './requests.ts';

export const PENDING_LIMIT = 1_000;

/** How long the server may fail to store a message before it counts as failed, and how often it is tried. In ms. */
const GIVE_UP_MS = 60_000;
const RETRY_MS = 1_000;

/** A message that the server may not have stored. */
export interface Unsent {
  readonly key: string;
  readonly to: string;
  readonly text: string;
  /** When it was typed, in ms since 1970. */
  readonly at: number;
  /** It was on its way to the server, which may have stored it. */
  readonly wasSent: boolean;
}

export interface Message extends Unsent {
  readonly requestId: number;
  /** The whole request; the same bytes are sent again after a loss. */
  readonly frame: Uint8Array;
}

export type Sent =
  | { readonly type: 'stored'; readonly id: number; readonly at: number }
  | { readonly type: 'failed'; readonly code: string; readonly text: string };

/** Where messages go while there is a logged-in connection. */
export interface Sink {
  request(requestId: number, frame: Uint8Array, settle: (response: Response) => void): void;
  /** The server answered in a form that the protocol does not have. */
  distrust(): void;
}

interface Pending {
  readonly message: Message;
  /** On the wire of the present connection, without an answer. */
  isUnderWay: boolean;
  wasSent: boolean;
  firstFailureAt: number | undefined;
  settle(sent: Sent): void;
}

export class Outgoing {
  readonly #pending = new Set<Pending>();
  /** Of an earlier run, by their keys, until it is known which of them the server has stored. */
  readonly #restored = new Map<string, Unsent>();
  #sink: Sink | undefined;
  #retry: NodeJS.Timeout | undefined;
  #emptied: (() => void) | undefined;

  get size(): number {
    return this.#pending.size;
  }

  /** All that the server may not have stored, in order. */
  get unsent(): readonly Unsent[] {
    const pending = [...this.#pending].map(({ message: { key, to, text, at }, wasSent }): Unsent => {
      return { key, to, text, at, wasSent };
    });
    return [...this.#restored.values(), ...pending];
  }

  /** Messages of an earlier run. Call before the login: what is stored of them may come in the replay. */
  restore(messages: readonly Unsent[]): void {
    this.#restored.clear();
    for (const message of messages) this.#restored.set(message.key, message);
  }

  /** Those of the earlier run that have neither come in the replay nor been sent again. */
  get restored(): readonly Unsent[] {
    return [...this.#restored.values()];
  }

  /** These are not to be sent in this run. */
  forget(messages: readonly Unsent[]): void {
    for (const { key } of messages) this.#restored.delete(key);
  }

  /** Resolves when the server has stored it, or will not. Call only below the limit. */
  send(message: Message): Promise<Sent> {
    this.#restored.delete(message.key);
    return new Promise((settle) => {
      this.#pending.add({
        message,
        isUnderWay: false,
        wasSent: message.wasSent,
        firstFailureAt: undefined,
        settle,
      });
      this.#flush();
    });
  }

  /** Waits until nothing is pending, but not longer than `timeoutMs`. */
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

  /** A connection is there: everything is sent, what was sent on an earlier one again. */
  attach(sink: Sink): void {
    this.#sink = sink;
    this.#flush();
  }

  detach(): void {
    this.#sink = undefined;
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  /** What was on its way when the connection was lost cannot be asked about again: it ends as failed. */
  failSent(text: string): void {
    for (const pending of this.#pending) {
      if (pending.wasSent) this.#finish(pending, { type: 'failed', code: 'lost', text });
    }
  }

  /** A message of this client has come as an event: the answer to it, if one comes, says nothing new. */
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
    for (const pending of this.#pending) if (!pending.isUnderWay) this.#transmit(this.#sink, pending);
  }

  #transmit(sink: Sink, pending: Pending): void {
    pending.isUnderWay = true;
    pending.wasSent = true;
    const { requestId, frame } = pending.message;
    sink.request(requestId, frame, (response) => {
      pending.isUnderWay = false;
      switch (response.type) {
        case 'ok': {
          const stored = readStored(response.result);
          if (stored === undefined) sink.distrust();
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
    if (!UNCERTAIN.has(code) || performance.now() - pending.firstFailureAt > GIVE_UP_MS) {
      this.#finish(pending, { type: 'failed', code, text });
      return;
    }
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#flush();
    }, RETRY_MS);
  }

  #finish(pending: Pending, sent: Sent): void {
    if (this.#pending.delete(pending)) pending.settle(sent);
    if (this.#pending.size === 0) this.#emptied?.();
  }
}

/** Refusals after which a message is to be sent again with its key. */
const UNCERTAIN: ReadonlySet<string> = new Set(['busy', 'unavailable', 'timed_out', 'storage_failed']);
