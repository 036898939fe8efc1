/**
 * The program of the process that `own-server.ts` starts: `parley serve`, tied to the process that started it. When that
 * process ends, for whatever reason, the IPC channel between the two closes and the server stops.
 *
 * Arguments: the folder to remove at the end, or `''` for none; then the arguments of `parley`.
 */

import { rmSync } from 'node:fs';

/** Imported at run time, because the load test must not depend on the server. */
const PARLEY = new URL('../../../bin/parley.js', import.meta.url).href;

const [, , folder = '', ...args] = process.argv;

if (folder !== '') process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

process.on('disconnect', stop);
// A `serve` that refuses its arguments exits because nothing keeps it running.
process.channel?.unref();
if (!process.connected) stop();

process.argv = [process.execPath, 'parley', ...args];
await import(PARLEY);

/** Shuts down the server, so that it writes nothing after the folder is removed. Waits until a server that is starting has started. */
function stop(): void {
  if (process.listenerCount('SIGTERM') > 0) process.emit('SIGTERM', 'SIGTERM');
  else setTimeout(stop, 50).unref();
}
