/**
 * Worker threads and the typed calls between threads. The only module that knows comlink.
 *
 * A thread's file ends in `serve(api)`; who starts it gets a `Thread` whose calls never hang: each ends in an
 * answer, in a deadline, or in `gone` when the other side has died.
 */

import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { expose, type Remote, transfer, wrap } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import type { ExitReason, Outcome } from './actor.ts';
import { type Crash, type CrashOrder, obeyCrashes, testHeap, testNumber } from './crash.ts';
import { WATCHDOG_MS, Watchdog } from './watchdog.ts';

/** The other side of a channel of calls. */
export interface Peer<Api> {
  /** Makes one call. A call that throws over there is a bug over there, and rejects here. */
  call<T>(use: (api: Remote<Api>) => T, timeoutMs?: number): Promise<Outcome<Awaited<T>>>;
}

export interface Thread<Api> extends Peer<Api> {
  readonly name: string;
  readonly exited: Promise<ExitReason>;
  /**
   * Resolves if the thread was ended and goes on all the same. Rare: an endless loop of calls into native code, some
   * compiled loops. Only the end of the process ends it; see `endProcess`.
   */
  readonly stuck: Promise<Error>;
  /** Ends the thread at once, wherever it is. Resolves when it is gone, or stuck. */
  kill(): Promise<void>;
  /** Makes it, or a part of it, go wrong in that way; for tests. */
  crash(how: Crash, part?: string): void;
}

export interface ThreadOptions {
  /** Ends the thread when it has not answered for that long, as in an endless loop. No limit if left out. */
  readonly watchdogMs?: number;
}

export type Started<Api> =
  | { readonly type: 'started'; readonly thread: Thread<Api> }
  | { readonly type: 'failed'; readonly error: Error };

export const CALL_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 60_000;
/**
 * How long a thread that is ended may take for it, in limits of its watchdog: one that waits for a disk that hangs ends
 * when the disk is back, and that is better than an end of the process.
 */
const END_LIMITS = 6;
/** The same at the end of the process. */
const LAST_END_MS = 1_000;

/** What threads say beside the messages of comlink, which passes over these. READY is the first. */
const READY = 'ready';
const PING = 'ping';
const PONG = 'pong';

/**
 * The place of a thread's file: `./registry.worker.ts` beside the module whose `import.meta.url` is `base`.
 * In the published package, which is compiled, it is the `.js` of the same name.
 */
export function threadFile(name: string, base: string): URL {
  return new URL(base.endsWith('.ts') ? name : name.replace(/\.ts$/, '.js'), base);
}

/** Starts a thread and waits until it has reached its `serve`. `data` is plain and may hold ports. */
export async function startThread<Api>(
  name: string,
  file: URL,
  data: object,
  ports: MessagePort[] = [],
  { watchdogMs }: ThreadOptions = {},
): Promise<Started<Api>> {
  const worker = new Worker(file, { name, workerData: data, transferList: ports, ...testHeap() });
  const limitMs = testNumber('PARLEY_TEST_WATCHDOG_MS') ?? watchdogMs ?? WATCHDOG_MS;
  const { exited, stuck, end } = own(worker, name, END_LIMITS * limitMs);
  const gone = exited.then(() => undefined);
  const ready = new Promise<boolean>((resolve) => {
    const deadline = setTimeout(resolve, START_TIMEOUT_MS, false);
    const settle = (isReady: boolean): void => {
      clearTimeout(deadline);
      resolve(isReady);
    };
    worker.on('message', (message: unknown) => message === READY && settle(true));
    void gone.then(() => settle(false));
  });
  const peer = connectPeer<Api>(worker, gone);
  const thread: Thread<Api> = {
    name,
    exited,
    stuck,
    call: (use, timeoutMs) => peer.call(use, timeoutMs),
    kill: () => end(),
    crash: (how, part) => {
      if (how === 'kill' && part === undefined) void end();
      else worker.postMessage({ crash: how, part } satisfies CrashOrder);
    },
  };
  if (await ready) {
    if (watchdogMs !== undefined) guard(worker, limitMs, end);
    return { type: 'started', thread };
  }
  await end();
  const reason = await Promise.race([exited, stuck]);
  const error = 'error' in reason ? reason.error : new Error(`thread ${name} did not become ready`);
  return { type: 'failed', error };
}

/** Offers `api` to whoever started this thread. The last line of a `*.worker.ts`. */
export function serve<Api extends object>(api: Api): void {
  const port = parentPort;
  if (port === null) throw new Error('this file runs only as a worker thread');
  port.on('message', (message: unknown) => message === PING && port.postMessage(PONG));
  obeyCrashes();
  expose(api, nodeEndpoint(port));
  port.postMessage(READY);
}

/**
 * Ends the process, also when one of its threads is stuck: `process.exit` would wait for that one for ever. The exit
 * code is that of SIGKILL then.
 */
export async function endProcess(code: number): Promise<never> {
  const ended = Promise.all(Array.from(threads, (worker) => worker.terminate()));
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, LAST_END_MS))]);
  if (threads.size > 0) process.kill(process.pid, 'SIGKILL');
  process.exit(code);
}

/** Offers `api` on one port, until either side closes it. */
export function servePort<Api>(port: MessagePort, api: Api): void {
  expose(api, nodeEndpoint(port));
}

/** Calls what the other end of `port` serves. */
export function callPort<Api>(port: MessagePort): Peer<Api> {
  const gone = new Promise<void>((resolve) => port.once('close', resolve));
  return connectPeer<Api>(port, gone);
}

/** Marks a port in the arguments of a call as handed over. */
export function handOver(port: MessagePort): MessagePort {
  return transfer(port, [port]);
}

/** What the starter of this thread gave it: the two are parts of one program, so its type is taken on trust. */
export function threadData<Data>(): Data {
  return workerData;
}

function connectPeer<Api>(endpoint: Worker | MessagePort, gone: Promise<void>): Peer<Api> {
  // One strong reference for as long as the peer lives: when comlink's root proxy is collected, the other side goes deaf.
  const remote = wrap<Api>(nodeEndpoint(endpoint));
  let alive = true;
  const waiting = new Set<() => void>();
  void gone.then(() => {
    alive = false;
    for (const settle of waiting) settle();
  });
  return {
    call<T>(use: (api: Remote<Api>) => T, timeoutMs: number = CALL_TIMEOUT_MS): Promise<Outcome<Awaited<T>>> {
      if (!alive) return Promise.resolve({ type: 'gone' });
      return new Promise((resolve, reject) => {
        const end = (): void => {
          clearTimeout(deadline);
          waiting.delete(lost);
        };
        const lost = (): void => {
          end();
          resolve({ type: 'gone' });
        };
        const deadline = setTimeout(() => {
          end();
          resolve({ type: 'timed_out' });
        }, timeoutMs);
        waiting.add(lost);
        Promise.resolve(use(remote)).then(
          (value) => {
            end();
            resolve({ type: 'answered', value });
          },
          (error) => {
            end();
            reject(error);
          },
        );
      });
    },
  };
}

interface Owned {
  readonly exited: Promise<ExitReason>;
  readonly stuck: Promise<Error>;
  end(cause?: Error): Promise<void>;
}

/** Those of this process that are not gone. */
const threads = new Set<Worker>();

function own(worker: Worker, name: string, timeoutMs: number): Owned {
  threads.add(worker);
  let failure: Error | undefined;
  const exited = new Promise<ExitReason>((resolve) => {
    worker.on('error', (error: unknown) => {
      failure ??= error instanceof Error ? error : new Error(String(error));
    });
    worker.once('exit', (code) => {
      threads.delete(worker);
      if (failure !== undefined) resolve({ type: 'failed', error: failure });
      else resolve({ type: code === 0 ? 'normal' : 'killed' });
    });
  });
  const stuck = Promise.withResolvers<Error>();
  const end = async (cause?: Error): Promise<void> => {
    failure ??= cause;
    const deadline = setTimeout(() => {
      stuck.resolve(new Error(`thread ${name} cannot be ended, only its process can`, { cause: failure }));
    }, timeoutMs);
    void worker.terminate();
    await Promise.race([exited, stuck.promise]);
    clearTimeout(deadline);
  };
  return { exited, stuck: stuck.promise, end };
}

/** Asks the thread again and again whether it is there, and ends it when it does not answer. */
function guard(worker: Worker, limitMs: number, end: (cause: Error) => Promise<void>): void {
  const watchdog = new Watchdog(limitMs, performance.now());
  worker.on('message', (message: unknown) => message === PONG && watchdog.answered());
  worker.postMessage(PING);
  const rounds = setInterval(() => {
    const silentMs = watchdog.check(performance.now());
    if (silentMs === undefined) worker.postMessage(PING);
    else {
      clearInterval(rounds);
      void end(new Error(`did not answer for ${Math.round(silentMs / 100) / 10} s: it was ended`));
    }
  }, watchdog.everyMs);
  worker.once('exit', () => clearInterval(rounds));
}
