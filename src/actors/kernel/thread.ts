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
import { obeyStarter, registerTarget, testHeap } from './fault-injection.ts';
import { answerPings, guard, isProcessEnding, own } from './worker-lifetime.ts';

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
}

export interface ThreadOptions {
  /** Ends the thread when it has not answered for that long, as in an endless loop. No limit if left out. */
  readonly watchdogMs?: number;
  /** Takes what the thread writes to its stderr, such as its log. Left out: it goes to the stderr of the process. */
  readonly stderr?: (bytes: Uint8Array) => void;
}

export type Started<Api> =
  | { readonly type: 'started'; readonly thread: Thread<Api> }
  | { readonly type: 'failed'; readonly error: Error };

export const CALL_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 60_000;
/**
 * Of each thread, for what it has made lately. A storm of logins or messages grows this part of the heap to its limit, and it stays
 * so large while little is done: at V8’s own limit that is 50 MiB and more. What outlives it is little here, so a small one costs next to nothing.
 */
const YOUNG_MB = 12;
/** The first thing a thread says. Not a comlink message, and comlink passes over it. */
const READY = 'ready';

/**
 * The place of a thread's file: `../registry/registry.worker.ts` beside the module whose `import.meta.url` is `base`.
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
  const { exited, stuck, end } = own(worker, name);
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
    if (watchdogMs !== undefined) guard(worker, watchdogMs, end);
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
  answerPings(port);
  obeyStarter();
  expose(api, nodeEndpoint(port));
  port.postMessage(READY);
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
