/** The thread of a registry that has several shards. */

import { serve, threadData } from '../kernel/thread.ts';
import { openRegistry, type RegistryData } from './registry-thread.ts';

serve(await openRegistry(threadData<RegistryData>()));
