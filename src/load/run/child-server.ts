/**
 * The program of the process that `own-server.ts` starts: `parley serve`, tied to the process that started it. When that has
 * ended, by whatever, the channel between the two ends, and the server stops.
 *
 * Arguments: the folder to remove at the end, or nothing (`''`); then those of `parley`.
 */

import { rmSync } from 'node:fs';
import { main } from '../../cli/main.ts';

const [, , folder = '', ...args] = process.argv;

if (folder !== '') process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

process.on('disconnect', stop);
// A `serve` that refuses its arguments ends by having nothing to wait for.
process.channel?.unref();
if (!process.connected) stop();

await main([process.execPath, 'parley', ...args]);

/** In order, so that nothing is written any more when the folder is removed. A server that is still starting is let finish. */
function stop(): void {
  if (process.listenerCount('SIGTERM') > 0) process.emit('SIGTERM', 'SIGTERM');
  else setTimeout(stop, 50).unref();
}
