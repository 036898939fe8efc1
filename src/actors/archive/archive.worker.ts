/** The archive thread: reads `chat.db` for shards, checkpoints its write-ahead log, and fills the search index. */

import { once } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import { type LogLevel, openLog } from '../../common/log.ts';
import { SearchIndex } from '../../store/search/search-index.ts';
import { Archive } from '../../store/sqlite/archive.ts';
import { Checkpoints } from '../../store/sqlite/checkpoints.ts';
import { type Metrics, threadMetrics } from '../kernel/metrics.ts';
import { serve, servePort, threadData } from '../kernel/thread.ts';
import { unexpected } from '../kernel/thread-api.ts';
import { lowerPriority } from '../kernel/thread-priority.ts';
import { archive } from './archive.ts';
import type { ArchiveApi } from './archive-api.ts';
import { Indexer } from './indexer.ts';

const CHECKPOINT_MS = 250;
const INDEX_MS = 1_000;

export interface ArchiveData {
  readonly chatDb: string;
  readonly searchDb: string;
  readonly logLevel: LogLevel;
  /** Carries one message, after which there is a `chat.db`, if there can be one. */
  readonly opening: MessagePort;
}

const data = threadData<ArchiveData>();
const log = openLog('archive', data.logLevel);
lowerPriority('below normal');
await once(data.opening, 'message');
const store = new Archive(data.chatDb);
// Open all connections while the path still leads to the registry's file, before anyone can move it.
store.open();
const index = new SearchIndex({
  file: data.searchDb,
  has: (id) => store.has(id),
  warn: (text) => log.warn({ event: 'search_index' }, text),
});
const indexer = new Indexer(store, index, log);
const readings = archive({ store, index, indexer, logger: log });
const checkpoints = new Checkpoints(data.chatDb);
checkpoints.run();
const checkpointing = setInterval(() => checkpoints.run(), CHECKPOINT_MS);
void indexer.run();
const indexing = setInterval(() => void indexer.run(), INDEX_MS);

const api = {
  connect(role: string, _: number, port: MessagePort): void {
    if (role !== 'shard') throw unexpected(role);
    servePort<ArchiveApi>(port, readings.answers);
  },

  metrics(): Metrics {
    return { ...threadMetrics(), requests: readings.requests, indexedTo: index.indexed };
  },

  /** Nothing is in progress for anyone; only stops the periodic work. */
  async finish(): Promise<void> {
    clearInterval(checkpointing);
    clearInterval(indexing);
  },
};

export type ArchiveThreadApi = typeof api;
serve(api);
