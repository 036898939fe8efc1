/**
 * A network behind a router, in network namespaces: machines with addresses of their own, whose connections can be cut as cables are,
 * without a word to either end. Linux, for root.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { beforeEach } from 'vitest';
import { needs } from './needs.ts';
import { type RunningProcess, runProcess } from './process.ts';

/** `silence`: whatever is sent is lost. `unreachable`: the router says that there is no such machine any more. */
export type Cut = 'silence' | 'unreachable';

/** For the top of a test file: its tests are skipped where there are no network namespaces to be had. */
export function needsNetwork(): void {
  needs('ip');
  beforeEach((context) => {
    if (!FarNetwork.isPossible()) context.skip('needs network namespaces, which are for root');
  });
}

export class FarNetwork {
  /** How those behind the router reach this machine. */
  readonly here: string;
  readonly #router: string;
  readonly #place: string;
  readonly #far: string;
  #machines = 1;

  static isPossible(): boolean {
    const name = nameOf('try');
    const isMade = spawnSync('ip', ['netns', 'add', name]).status === 0;
    if (isMade) spawnSync('ip', ['netns', 'del', name]);
    return isMade;
  }

  /** In addresses that are for trials of networks alone (RFC 2544). `close` takes it away. */
  constructor() {
    const [third = 0] = randomBytes(1);
    const near = `198.18.${third}`;
    this.here = `${near}.1`;
    this.#far = `198.19.${third}`;
    this.#router = nameOf('router');
    this.#place = nameOf('place');
    for (const namespace of [this.#router, this.#place]) {
      ip('netns', 'add', namespace);
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
    }
    const [outer, inner] = [nameOf('a'), nameOf('b')];
    ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', 'near', 'netns', this.#router);
    ip('-n', this.#place, 'link', 'add', inner, 'type', 'veth', 'peer', 'name', 'far', 'netns', this.#router);
    ip('addr', 'add', `${near}.1/30`, 'dev', outer);
    ip('link', 'set', outer, 'up');
    this.#route('addr', 'add', `${near}.2/30`, 'dev', 'near');
    this.#route('addr', 'add', `${this.#far}.1/24`, 'dev', 'far');
    this.#route('link', 'set', 'near', 'up');
    this.#route('link', 'set', 'far', 'up');
    ip('-n', this.#place, 'link', 'set', inner, 'up');
    for (let last = 2; last < 32; last += 1) {
      ip('-n', this.#place, 'addr', 'add', `${this.#far}.${last}/24`, 'dev', inner);
    }
    ip('-n', this.#place, 'route', 'add', 'default', 'via', `${this.#far}.1`);
    ip('route', 'add', `${this.#far}.0/24`, 'via', `${near}.2`);
    ip('netns', 'exec', this.#router, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
    // Whoever reads nothing is to have its window closed before the server counts it as too slow.
    ip('netns', 'exec', this.#place, 'sh', '-c', 'echo 4096 16384 16384 >/proc/sys/net/ipv4/tcp_rmem');
  }

  /** The address of another machine. */
  address(): string {
    this.#machines += 1;
    return `${this.#far}.${this.#machines}`;
  }

  /** Runs a program on the far side. */
  run(file: string, args: readonly string[]): RunningProcess {
    return runProcess('ip', ['netns', 'exec', this.#place, file, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** From here on nothing from that machine arrives, and nothing reaches it. */
  cut(address: string, how: Cut = 'silence'): void {
    this.#route('rule', 'add', 'from', address, 'blackhole');
    this.#route('route', 'add', how === 'silence' ? 'blackhole' : 'unreachable', address);
  }

  close(): void {
    for (const name of [this.#place, this.#router]) spawnSync('ip', ['netns', 'del', name]);
  }

  #route(...args: string[]): void {
    ip('-n', this.#router, ...args);
  }
}

/** Names of interfaces have at most 15 characters. */
function nameOf(what: string): string {
  return `pt-${what}-${randomBytes(3).toString('hex')}`;
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
