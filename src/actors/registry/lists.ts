/** The lists that the registry returns in pages: accounts online, members of a room, and rooms. */

import { type Account, type Directory, pageAfter } from '../../chat/directory.ts';
import type { MembershipChange } from '../../chat/entry.ts';
import type { Sessions } from '../../chat/sessions.ts';
import type { RoomPage, UserPage } from '../../protocol/vocabulary.ts';

/** With the longest names a page has about 35 KiB, so it fits into a frame. */
const NAMES_PER_PAGE = 500;

export class Lists {
  readonly #directory: Directory;
  readonly #sessions: Sessions;

  constructor(directory: Directory, sessions: Sessions) {
    this.#directory = directory;
    this.#sessions = sessions;
  }

  online(after: string | null): UserPage {
    return this.#page(this.#sessions.onlineInOrder(), after);
  }

  /** Empty for a room that does not exist. */
  members(name: string, after: string | null): UserPage {
    const room = this.#directory.room(name);
    return room === undefined ? [[], null] : this.#page(this.#directory.membersInOrder(room), after);
  }

  hasRoom(name: string): boolean {
    return this.#directory.room(name) !== undefined;
  }

  rooms(after: string | null): RoomPage {
    const { items, next } = pageAfter(this.#directory.roomsInOrder(), after, NAMES_PER_PAGE);
    return [items.map((room) => [room.name, room.members.size]), next];
  }

  /** The result to answer a join or leave with. */
  resultOf(change: MembershipChange): unknown {
    return change.kind === 'joined' ? [change.id, this.members(change.roomName, null)] : [change.id];
  }

  #page(sorted: readonly Account[], after: string | null): UserPage {
    const { items, next } = pageAfter(sorted, after, NAMES_PER_PAGE);
    return [items.map((account) => [account.name, this.#sessions.isOnline(account)]), next];
  }
}
