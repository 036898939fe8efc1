/**
 * Worker threads, and typed calls between threads. The only module that imports comlink.
 *
 * A thread's file ends in `serve(api)`. The thread that starts it gets a `Thread` whose calls never hang: each ends
 * with an answer, a timeout, or `gone` if the other side has died.
 */

import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { expose, type Remote, transfer, wrap } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import type { ExitReason, Outcome } from './actor.ts';
import { obeyStarter, registerTarget, testHeap } from './fault-injection.ts';
import { answerPings, isProcessEnding, manageWorker, watchWorker } from './worker-lifetime.ts';

/** The other side of a channel for calls. */
export interface Peer<Api> {
  /** Makes one call. Rejects if the call throws on the other side, because that is a bug. */
  call<T>(use: (api: Remote<Api>) => T, timeoutMs?: number): Promise<Outcome<Awaited<T>>>;
}

export interface Thread<Api> extends Peer<Api> {
  readonly name: string;
  readonly exited: Promise<ExitReason>;
  /**
   * Resolves if the thread was terminated but continues to run. Rare: an endless loop of native calls, or certain
   * compiled loops. Only the end of the process ends it; see `endProcess`.
   */
  readonly stuck: Promise<Error>;
  /** Terminates the thread at once, whatever it is doing. Resolves when it is gone, or stuck. */
  kill(): Promise<void>;
}

export interface ThreadOptions {
  /**
   * Terminates the thread if it has not answered its watchdog for this long, for instance because of an endless loop.
   * No limit if omitted.
   */
  readonly watchdogMs?: number;
  /**
   * Receives what the thread writes to its stderr, such as its log. By default that goes to the stderr of the process.
   */
  readonly stderr?: (bytes: Uint8Array) => void;
}

export type Started<Api> =
  | { readonly type: 'started'; readonly thread: Thread<Api> }
  | { readonly type: 'failed'; readonly error: Error };

export const CALL_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 60_000;
/**
 * Young-generation limit per thread. V8's default lets a burst of logins or messages grow it to 50 MiB and more, and it
 * never shrinks. Few objects here live long, so a small young generation costs next to nothing.
 */
const YOUNG_MB = 12;
/** The first message a thread sends. Not a comlink message; comlink ignores it. */
const READY = 'ready';

/**
 * The file of a thread, such as `../registry/registry.worker.ts`, relative to the module whose `import.meta.url` is
 * `base`. In the published package, which is compiled, it is the `.js` file of the same name.
 */
export function threadFile(name: string, base: string): URL {
  return new URL(base.endsWith('.ts') ? name : name.replace(/\.ts$/, '.js'), base);
}

/** Starts a thread and waits until it has called `serve`. `data` is plain data and may contain ports. */
export async function startThread<Api>(
  name: string,
  file: URL,
  data: object,
  ports: MessagePort[] = [],
  { watchdogMs, stderr }: ThreadOptions = {},
): Promise<Started<Api>> {
  if (isProcessEnding()) return { type: 'failed', error: new Error('the process is ending') };
  const worker = new Worker(file, {
    name,
    workerData: data,
    transferList: ports,
    stderr: stderr !== undefined,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB, ...testHeap() },
  });
  if (stderr !== undefined) worker.stderr.on('data', stderr);
  const { exited, stuck, end } = manageWorker(worker, name);
  const unregister = registerTarget(name, {
    post: (order) => worker.postMessage(order),
    terminate: () => void end(),
  });
  const gone = exited.then(unregister);
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
  };
  if (await ready) {
    if (watchdogMs !== undefined) watchWorker(worker, watchdogMs, end);
    return { type: 'started', thread };
  }
  await end();
  const reason = await Promise.race([exited, stuck]);
  const error = 'error' in reason ? reason.error : new Error(`thread ${name} did not become ready`);
  return { type: 'failed', error };
}

/** Offers `api` to the thread that started this one. The last line of a `*.worker.ts`. */
export function serve<Api extends object>(api: Api): void {
  const port = parentPort;
  if (port === null) throw new Error('this file runs only as a worker thread');
  answerPings(port);
  obeyStarter();
  expose(api, nodeEndpoint(port));
  port.postMessage(READY);
}

/** Offers `api` on one port, until either side closes it. */
export function servePort<Api>(port: MessagePort, api: Api): void {
  expose(api, nodeEndpoint(port));
}

/** Calls the API served at the other end of `port`. */
export function callPort<Api>(port: MessagePort): Peer<Api> {
  const gone = new Promise<void>((resolve) => port.once('close', resolve));
  return connectPeer<Api>(port, gone);
}

/** Marks a port in the arguments of a call for transfer. */
export function handOver(port: MessagePort): MessagePort {
  return transfer(port, [port]);
}

/** The data passed by the thread that started this one. Both are parts of one program, so the type is not checked. */
export function threadData<Data>(): Data {
  return workerData;
}

function connectPeer<Api>(endpoint: Worker | MessagePort, gone: Promise<void>): Peer<Api> {
  // Keeps comlink's root proxy alive for as long as the peer: if it were garbage-collected, the other side would stop
  // listening.
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
