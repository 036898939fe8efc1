/**
 * Starts the server's threads, and restarts those that die. The children and their restart policies are data; the
 * supervisor knows nothing about chat.
 */

import type { ExitReason } from './actor.ts';

export interface Child {
  readonly exited: Promise<ExitReason>;
  /** Resolves if the child was terminated but continues to run; then nothing may replace it. */
  readonly stuck: Promise<Error>;
  kill(): Promise<void>;
}

export type ChildStart =
  | { readonly type: 'started'; readonly child: Child }
  | { readonly type: 'failed'; readonly error: Error };

export interface ChildSpec {
  readonly name: string;
  readonly restart: RestartPolicy;
  /** Resolves when the child is ready for work, or has failed to start. */
  start(): Promise<ChildStart>;
}

export interface RestartPolicy {
  /** Allowed restarts of one child within `withinMs`; after one more death the supervisor gives up. */
  readonly restarts: number;
  readonly withinMs: number;
  /** Delay before the first restart; doubles with each further one within `withinMs`. */
  readonly backOffMs: number;
}

export const RESTART_POLICY: RestartPolicy = { restarts: 2, withinMs: 5_000, backOffMs: 20 };

export type SupervisorEvent =
  | { readonly type: 'exited'; readonly child: string; readonly reason: ExitReason }
  | { readonly type: 'restarted'; readonly child: string; readonly afterMs: number }
  | { readonly type: 'gave_up'; readonly child: string; readonly error: Error };

export interface Supervisor {
  /** Resolves when a child died too often, or could not be restarted or terminated. */
  readonly gaveUp: Promise<Error>;
  /** Ends all children in reverse order of their specs, without restarting any. */
  stop(): Promise<void>;
}

export type Supervised =
  | { readonly type: 'started'; readonly supervisor: Supervisor }
  /** A child that never became ready is not restarted; all others have been ended. */
  | { readonly type: 'failed'; readonly child: string; readonly error: Error };

/** Starts all children at once. Resolves when all are ready, or one has failed. */
export async function supervise(
  specs: readonly ChildSpec[],
  report: (event: SupervisorEvent) => void,
): Promise<Supervised> {
  const children = new Map<string, Child>();
  const gaveUp = Promise.withResolvers<Error>();
  let isStopping = false;

  const watch = async (spec: ChildSpec, first: Child): Promise<void> => {
    const deaths: number[] = [];
    let child = first;
    for (;;) {
      children.set(spec.name, child);
      const reason = await Promise.race([child.exited, child.stuck]);
      children.delete(spec.name);
      if (isStopping) return;
      if (reason instanceof Error) return giveUp(spec, reason);
      report({ type: 'exited', child: spec.name, reason });
      const next = await restart(spec, deaths, reason);
      if (next === undefined) return;
      child = next;
    }
  };

  const restart = async (
    spec: ChildSpec,
    deaths: number[],
    reason: ExitReason,
  ): Promise<Child | undefined> => {
    const diedAt = performance.now();
    let error = reason.type === 'failed' ? reason.error : new Error(`thread ${spec.name} ended`);
    for (;;) {
      const now = performance.now();
      deaths.push(now);
      while (now - (deaths[0] ?? now) > spec.restart.withinMs) deaths.shift();
      if (deaths.length > spec.restart.restarts) {
        giveUp(spec, error);
        return undefined;
      }
      await new Promise((resolve) => setTimeout(resolve, spec.restart.backOffMs * 2 ** (deaths.length - 1)));
      if (isStopping) return undefined;
      const started = await spec.start();
      if (started.type === 'started') {
        if (isStopping) await started.child.kill();
        report({ type: 'restarted', child: spec.name, afterMs: Math.round(performance.now() - diedAt) });
        return started.child;
      }
      error = started.error;
    }
  };

  const giveUp = (spec: ChildSpec, error: Error): void => {
    report({ type: 'gave_up', child: spec.name, error });
    gaveUp.resolve(error);
  };

  const starts = await Promise.all(specs.map(async (spec) => ({ spec, start: await spec.start() })));
  const stopAll = async (): Promise<void> => {
    isStopping = true;
    for (const { name } of specs.toReversed()) await children.get(name)?.kill();
  };
  for (const { spec, start } of starts) {
    if (start.type === 'started') void watch(spec, start.child);
  }
  for (const { spec, start } of starts) {
    if (start.type === 'started') continue;
    await stopAll();
    return { type: 'failed', child: spec.name, error: start.error };
  }
  return { type: 'started', supervisor: { gaveUp: gaveUp.promise, stop: stopAll } };
}
