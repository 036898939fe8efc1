/**
 * The program of the process that `own-server.ts` starts: `parley serve`, tied to the process that started it. When that
 * process ends, for whatever reason, the IPC channel between the two closes and the server stops.
 *
 * Arguments: the folder to remove at the end, or `''` for none; then the arguments of `parley`.
 */

import { rmSync } from 'node:fs';

/** The program as a user starts it, found at run time: the load test imports nothing of the server. */
const PARLEY = new URL('../../../bin/parley.js', import.meta.url).href;

const [, , folder = '', ...args] = process.argv;

if (folder !== '') process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

process.on('disconnect', stop);
// A `serve` that refuses its arguments exits because nothing keeps it running.
process.channel?.unref();
if (!process.connected) stop();

process.argv = [process.execPath, 'parley', ...args];
await import(PARLEY);

/** Stops in order, so that nothing is written after the folder has been removed. A server that is still starting finishes that first. */
function stop(): void {
  if (process.listenerCount('SIGTERM') > 0) process.emit('SIGTERM', 'SIGTERM');
  else setTimeout(stop, 50).unref();
}
