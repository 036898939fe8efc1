/** What the registry is made of, and how its parts take a command. */

import type { Directory } from '../chat/directory.ts';
import type { Presence } from '../chat/presence.ts';
import type { Sessions } from '../chat/sessions.ts';
import type { Clock } from '../common/clock.ts';
import type { MessageLog } from '../store/message-log.ts';
import type { RefusalCode } from '../transport/protocol.ts';
import type { Ledger } from './ledger.ts';
import type { Command } from './link.ts';
import type { Roster } from './roster.ts';
import type { Router } from './router.ts';

/** The command of that verb. */
export type Ask<Verb extends Command[0]> = Extract<Command, readonly [Verb, ...unknown[]]>;

/**
 * A code refuses the command. `wait`: it depends on what is not committed yet, and must be taken again behind the
 * next commit. Otherwise it has been answered, or will be when its part of the batch is committed.
 */
export type Taken = RefusalCode | 'wait' | undefined;

export interface Parts {
  readonly clock: Clock;
  readonly log: MessageLog;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly presence: Presence;
  readonly router: Router;
  readonly ledger: Ledger;
  readonly roster: Roster;
}
