/** The archive's thread: reads `chat.db` for shards, moves its write-ahead log along, and fills the search index. */

import type { MessagePort } from 'node:worker_threads';
import { type LogLevel, openLog } from '../log.ts';
import { Archive } from '../store/archive.ts';
import { Checkpoints } from '../store/checkpoints.ts';
import { archive } from './archive.ts';
import type { ArchiveApi } from './archive-api.ts';
import { serve, servePort, threadData } from './thread.ts';

const CHECKPOINT_MS = 250;

export interface ArchiveData {
  readonly chatDb: string;
  readonly searchDb: string;
  readonly logLevel: LogLevel;
}

const data = threadData<ArchiveData>();
const log = await openLog('archive', data.logLevel);
const answers = archive(new Archive(data.chatDb), log);
const checkpoints = new Checkpoints(data.chatDb);
setInterval(() => checkpoints.run(), CHECKPOINT_MS);

const api = {
  connectShard(port: MessagePort): void {
    servePort<ArchiveApi>(port, answers);
  },
};

export type ArchiveThreadApi = typeof api;
serve(api);
