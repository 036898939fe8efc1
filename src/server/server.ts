/**
 * The server as a whole: options → data folder → threads → listening, and the way back. The port is opened last, when
 * everything behind it is ready. `thread-table.ts` lists the threads.
 */

import type { Logger } from 'pino';
import { testNumber } from '../actors/kernel/fault-injection.ts';
import type { Metrics } from '../actors/kernel/metrics.ts';
import { supervise } from '../actors/kernel/supervisor.ts';
import { WATCHDOG_MS } from '../actors/kernel/watchdog.ts';
import { EXIT, type ExitCode, Refusal } from '../common/exit.ts';
import type { LogLevel } from '../common/log.ts';
import type { LossyOutput } from '../common/lossy-output.ts';
import { openDataFolder } from '../store/files/data-folder.ts';
import { CHECK_INTERVAL_MS, watchPeers } from './peer-watch.ts';
import { checkPort, describeListenError, formatAddress } from './port.ts';
import { threadTable } from './thread-table.ts';
import { type Listener, Threads } from './threads.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Further ports, for clients that speak other dialects. */
  readonly listeners?: readonly Listener[];
  readonly workers: number;
  readonly hashWorkers: number;
  readonly data: string;
  readonly guests: boolean;
  readonly logLevel: LogLevel;
  /** Message retention in milliseconds; Infinity keeps messages for ever. */
  readonly keepMs: number;
  /** Send buffer per client, in bytes. */
  readonly outboxLimit: number;
  /** Sustained commands per second allowed per connection; 0 for no limit. */
  readonly commandsPerSecond: number;
}

export type StartedServer =
  | { readonly type: 'listening'; readonly server: Server }
  | { readonly type: 'refused'; readonly exitCode: ExitCode; readonly text: string };

export interface Server {
  /** `HOST:PORT`, with the host as it was given. */
  readonly address: string;
  readonly port: number;
  /** All ports: that one, then those of the further listeners in their order. */
  readonly ports: readonly number[];
  /** Resolves when the server cannot continue. */
  readonly failed: Promise<Error>;
  /** Each thread's metrics, by its name. */
  metrics(): Promise<Readonly<Record<string, Metrics>>>;
  /** Stops accepting connections, notifies all clients, and ends all threads. */
  stop(): Promise<void>;
}

const UNWATCHED =
  'cannot check for lost peers: a connection whose network is cut may stay open for 15 minutes or more';

/** `output` receives the log lines of all threads. */
export async function startServer(
  options: ServerOptions,
  log: Logger,
  output: LossyOutput,
): Promise<StartedServer> {
  const opened = openDataFolder(options.data);
  if (opened.type === 'refused') {
    const exitCode = opened.code === 'in_use' ? EXIT.unavailable : EXIT.refused;
    return { type: 'refused', exitCode, text: opened.text };
  }
  const { folder } = opened;
  const refuse = (exitCode: ExitCode, text: string): StartedServer => {
    folder.unlock();
    return { type: 'refused', exitCode, text };
  };
  const { host, port } = options;
  const checked = await checkPort(host, port);
  if (checked.type === 'refused') return refuse(EXIT.unavailable, checked.text);
  const threads = new Threads(threadTable(options, folder, countShards(options.workers, log)), {
    watchdogMs: WATCHDOG_MS,
    stderr: (bytes) => output.write(bytes),
  });
  const supervised = await supervise(threads.specs(), (event) => {
    const fields = { event: `thread.${event.type}`, ...event };
    if (event.type === 'restarted') log.warn(fields, 'thread restarted');
    else log.error({ ...fields, err: errorOf(event) }, `thread ${event.type}`);
  });
  if (supervised.type === 'failed') {
    const isRefusal = supervised.error instanceof Refusal;
    return refuse(isRefusal ? EXIT.refused : EXIT.failure, supervised.error.message);
  }
  const { supervisor } = supervised;
  const ports: number[] = [];
  for (const listener of [{ port }, ...(options.listeners ?? [])]) {
    const listened = await threads.listen(checked.address, listener);
    if (listened.type === 'listening') {
      ports.push(listened.port);
      continue;
    }
    await supervisor.stop();
    const { code, text: message } = listened;
    return refuse(EXIT.unavailable, describeListenError({ code, message }, host, listener.port));
  }
  const watches = ports.map((watched) =>
    watchPeers({
      port: watched,
      everyMs: testNumber('PARLEY_TEST_LOOK_EVERY_MS') ?? CHECK_INTERVAL_MS,
      lost: (peers) => threads.abandon(peers),
      failed: (text) => log.warn({ event: 'peers.unwatched', error: text }, UNWATCHED),
    }),
  );
  const [mainPort = port] = ports;
  return {
    type: 'listening',
    server: {
      address: formatAddress(host, mainPort),
      port: mainPort,
      ports,
      failed: supervisor.gaveUp,
      metrics: () => threads.metrics(),
      stop: async () => {
        for (const unwatch of watches) unwatch();
        await threads.finish();
        await supervisor.stop();
        folder.unlock();
      },
    },
  };
}

function countShards(workers: number, log: Logger): number {
  if (process.platform === 'linux' || workers === 1) return workers;
  log.warn(
    { event: 'workers' },
    'this system cannot share a port between threads, so only one serves connections',
  );
  return 1;
}

function errorOf(event: { readonly reason?: unknown; readonly error?: Error }): Error | undefined {
  if (event.error !== undefined) return event.error;
  const { reason } = event;
  return typeof reason === 'object' && reason !== null && 'error' in reason && reason.error instanceof Error
    ? reason.error
    : undefined;
}
