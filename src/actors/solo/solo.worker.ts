/**
 * The thread of a server with one shard: it runs both the registry and the shard. Messages between the two cross no
 * thread and need no encoding. If one of them fails, both end.
 */

import { serve, threadData } from '../kernel/thread.ts';
import { localChannel } from '../link/channel.ts';
import { openRegistry, type RegistryData } from '../registry/registry-thread.ts';
import { openShard, type ShardApi, type ShardData } from '../shard/shard-thread.ts';

export interface SoloData {
  readonly registry: RegistryData;
  readonly shard: ShardData;
}

const data = threadData<SoloData>();
const registry = await openRegistry(data.registry);
const channel = localChannel();
registry.connectShard(0, channel.registry);
const shard = openShard(data.shard, channel.shard);

const api: ShardApi = {
  ...shard,

  connect(role, index, port, own) {
    if (own === 'registry') registry.connect(role, index, port, own);
    else shard.connect(role, index, port, own);
  },

  async metrics() {
    return { ...(await registry.metrics()), ...(await shard.metrics()) };
  },

  finish: (own) => (own === 'registry' ? registry.finish(own) : shard.finish(own)),
};

serve(api);
