/** The server's threads as data: which threads exist, which talk to each other, and what happens when one dies. */

import type { ArchiveData } from '../actors/archive/archive.worker.ts';
import type { AuthData } from '../actors/auth/auth.worker.ts';
import { RESTART_POLICY, type RestartPolicy } from '../actors/kernel/supervisor.ts';
import type { RegistryData } from '../actors/registry/registry.worker.ts';
import type { ShardData } from '../actors/shard/shard.worker.ts';
import { VERSION } from '../common/version.ts';
import type { DataFolder } from '../store/files/data-folder.ts';
import type { ServerOptions } from './server.ts';

export type Role = 'registry' | 'auth' | 'archive' | 'shard';

export interface ThreadRow {
  readonly role: Role;
  readonly name: string;
  /** Numbers the threads of one role from 0. */
  readonly index: number;
  readonly file: string;
  /** The thread's data; created anew at each start. */
  data(): object;
  /** Loads its code at once, but opens its files once that thread has started, or failed to. */
  readonly opensAfter?: Role;
  readonly restart: RestartPolicy;
}

/** Which roles talk to each other; each pair of threads has one channel. */
export const CHANNELS: ReadonlyArray<readonly [Role, Role]> = [
  ['registry', 'auth'],
  ['registry', 'shard'],
  ['auth', 'shard'],
  ['archive', 'shard'],
];

/** The order in which threads complete their work when the server stops: what clients have asked for flows this way. */
export const FINISH_ORDER: readonly Role[] = ['shard', 'auth', 'registry', 'archive'];

/** How soon a client disconnected by a shutdown may return. */
const RETRY_AFTER_MS = 1_000;

/** `shards`: the number of threads that serve clients. */
export function threadTable(
  options: ServerOptions,
  folder: DataFolder,
  shards: number,
): readonly ThreadRow[] {
  const { logLevel, keepMs, hashWorkers, guests, outboxLimit, commandsPerSecond } = options;
  const { chatDb, lockDb, usersFile, tokensDb, searchDb } = folder;
  const server = `parley/${VERSION}`;
  let incarnation = 0;
  return [
    {
      ...only('registry'),
      data: (): RegistryData => ({ chatDb, lockDb, keepMs, logLevel }),
    },
    {
      ...only('auth'),
      data: (): AuthData => ({ usersFile, tokensDb, hashWorkers, guests, logLevel }),
    },
    {
      ...only('archive'),
      // By then `chat.db` exists, if it can be created.
      opensAfter: 'registry',
      data: (): Omit<ArchiveData, 'opening'> => ({ chatDb, searchDb, logLevel }),
    },
    ...Array.from({ length: shards }, (_, index): ThreadRow => {
      const name = `shard-${index + 1}`;
      return {
        ...only('shard'),
        name,
        index,
        data: (): ShardData => {
          incarnation += 1;
          const retryAfterMs = RETRY_AFTER_MS;
          return {
            name,
            incarnation,
            shards,
            server,
            outboxLimit,
            commandsPerSecond,
            retryAfterMs,
            logLevel,
          };
        },
      };
    }),
  ];
}

function only(role: Role): Omit<ThreadRow, 'data'> {
  const file = `../actors/${role}/${role}.worker.ts`;
  return { role, name: role, index: 0, file, restart: RESTART_POLICY };
}
