/** The thread of one of several shards. */

import { serve, threadData } from '../kernel/thread.ts';
import { openShard, type ShardData } from './shard-thread.ts';

serve(openShard(threadData<ShardData>()));
