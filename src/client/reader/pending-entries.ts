/**
 * Entries of the log that come to this client as answers and not as events: its own messages, joins and leaves. The
 * reader knows which answers are awaited, so that each is shown at its place among the events of the connection.
 *
 * A message may also come as an event with its key, after a connection was lost before its answer. Whichever comes
 * first settles it; the other MUST be passed over.
 */

import type { DisplayRecord } from '../display/display-record.ts';
import { readJoined, readLeft, readStored } from './server-frame.ts';

export type Expectation =
  /** A message that the display shows as pending, under its key. */
  | { readonly type: 'send'; readonly key: string; readonly to: string }
  | { readonly type: 'join' | 'leave'; readonly room: string; readonly user: string };

/** An entry of the log, and how it is shown. */
export interface Arrived {
  readonly id: number;
  readonly record: DisplayRecord;
  /** The conversation of a message. */
  readonly conversation?: string;
}

export class Expected {
  readonly #awaited = new Map<number, Expectation>();
  /** Request ids of messages, by their keys. */
  readonly #messages = new Map<string, number>();

  add(requestId: number, expectation: Expectation): void {
    this.#awaited.set(requestId, expectation);
    if (expectation.type === 'send') this.#messages.set(expectation.key, requestId);
  }

  /** What an answer brings. `now` stands in for times that it does not carry. */
  answered(requestId: number, result: unknown, now: number): Arrived | undefined {
    const expectation = this.#awaited.get(requestId);
    switch (expectation?.type) {
      case 'send':
        return this.#stored(expectation, readStored(result));
      case 'join':
      case 'leave': {
        this.#awaited.delete(requestId);
        const id = expectation.type === 'join' ? readJoined(result)?.id : readLeft(result)?.id;
        // Who was in the room already has not joined it.
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

  /** What an own message brings that has come as an event; undefined if nobody waits for it. */
  arrived(key: string, id: number, at: number): Arrived | undefined {
    const expectation = this.#awaited.get(this.#messages.get(key) ?? -1);
    return expectation?.type === 'send' ? this.#stored(expectation, { id, at }) : undefined;
  }

  /** A message has failed for good: nothing is awaited any more. */
  giveUp(key: string): void {
    this.#awaited.delete(this.#messages.get(key) ?? -1);
    this.#messages.delete(key);
  }

  /** The connection has ended. Messages will be sent again with the same request ids; nothing else is. */
  lose(): void {
    for (const [requestId, { type }] of this.#awaited) if (type !== 'send') this.#awaited.delete(requestId);
  }

  /** An answer in another form says nothing: its connection ends, and the message is sent again. */
  #stored(
    { key, to }: Extract<Expectation, { type: 'send' }>,
    stored: { readonly id: number; readonly at: number } | undefined,
  ): Arrived | undefined {
    if (stored === undefined) return undefined;
    this.giveUp(key);
    return { id: stored.id, record: { type: 'stored', tag: key, ...stored }, conversation: to };
  }
}
