/** The server's threads as data: which there are, which talk to each other, and what happens when one dies. */

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
  /** Counts the threads of one role, from 0. */
  readonly index: number;
  readonly file: string;
  /** What the thread is given; asked for at each start. */
  data(): object;
  /** Starts when that thread has been started, or could not be. */
  readonly after?: Role;
  readonly restart: RestartPolicy;
}

/** Which threads talk to each other, on a channel for each pair. */
export const CHANNELS: ReadonlyArray<readonly [Role, Role]> = [
  ['registry', 'auth'],
  ['registry', 'shard'],
  ['auth', 'shard'],
  ['archive', 'shard'],
];

/** In which order they complete what they have begun when the server stops: whoever asks before whoever answers. */
export const FINISH_ORDER: readonly Role[] = ['shard', 'auth', 'registry', 'archive'];

/** A client that a shutdown sends away may come back after this long. */
const RETRY_AFTER_MS = 1_000;

/** `shards`: how many threads serve clients. */
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
      // By then there is a `chat.db`, if there can be one.
      after: 'registry',
      data: (): ArchiveData => ({ chatDb, searchDb, logLevel }),
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
