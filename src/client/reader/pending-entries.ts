/**
 * Log entries that reach this client as answers rather than events: its own messages, joins and leaves. The reader
 * knows which answers to expect, so it can show each entry at its place among the events of the connection.
 *
 * If a connection is lost before the answer, a message may also arrive as an event with its key. Whichever arrives
 * first settles the message; the other MUST be ignored.
 */

import type { DisplayRecord } from '../display/display-record.ts';
import { readJoined, readLeft, readStored } from './server-frame.ts';

export type PendingEntry =
  /** A message that the display shows as pending, under its key. */
  | { readonly type: 'send'; readonly key: string; readonly to: string }
  | { readonly type: 'join' | 'leave'; readonly room: string; readonly user: string };

/** A log entry and its record. */
export interface ShownEntry {
  readonly id: number;
  readonly record: DisplayRecord;
  /** The conversation, for a message. */
  readonly conversation?: string;
}

export class PendingEntries {
  readonly #pending = new Map<number, PendingEntry>();
  /** Request ids of messages, by key. */
  readonly #messages = new Map<string, number>();

  add(requestId: number, expectation: PendingEntry): void {
    this.#pending.set(requestId, expectation);
    if (expectation.type === 'send') this.#messages.set(expectation.key, requestId);
  }

  /** The entry in an answer. `now` is used where the answer carries no time. */
  answered(requestId: number, result: unknown, now: number): ShownEntry | undefined {
    const expectation = this.#pending.get(requestId);
    switch (expectation?.type) {
      case 'send':
        return this.#stored(expectation, readStored(result));
      case 'join':
      case 'leave': {
        this.#pending.delete(requestId);
        const id = expectation.type === 'join' ? readJoined(result)?.id : readLeft(result)?.id;
        // A user who was already in the room has not joined it.
        if (id === undefined || id === null) return undefined;
        const kind = expectation.type === 'join' ? 'joined' : 'left';
        const { room, user } = expectation;
        return { id, record: { type: 'membership', kind, id, at: now, room, user } };
      }
      case undefined:
        return undefined;
      default:
        return expectation satisfies never;
    }
  }

  /** The entry of an own message that arrived as an event; undefined if the message is not pending. */
  arrived(key: string, id: number, at: number): ShownEntry | undefined {
    const expectation = this.#pending.get(this.#messages.get(key) ?? -1);
    return expectation?.type === 'send' ? this.#stored(expectation, { id, at }) : undefined;
  }

  /** The message has failed for good, so no answer is expected. */
  giveUp(key: string): void {
    this.#pending.delete(this.#messages.get(key) ?? -1);
    this.#messages.delete(key);
  }

  /** The connection has ended. Only messages will be sent again, with the same request ids. */
  dropConnection(): void {
    for (const [requestId, { type }] of this.#pending) if (type !== 'send') this.#pending.delete(requestId);
  }

  /** Ignores an answer that violates the protocol: its connection ends, and the message is sent again. */
  #stored(
    { key, to }: Extract<PendingEntry, { type: 'send' }>,
    stored: { readonly id: number; readonly at: number } | undefined,
  ): ShownEntry | undefined {
    if (stored === undefined) return undefined;
    this.giveUp(key);
    return { id: stored.id, record: { type: 'stored', tag: key, ...stored }, conversation: to };
  }
}
