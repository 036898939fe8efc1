/** A small disk of its own in memory, which can be filled at once. Only root may mount one. */

import { execFileSync } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const PAGE_BYTES = 4_096;
const PIECE = Buffer.alloc(64 * PAGE_BYTES);
const PAGE = Buffer.alloc(PAGE_BYTES);

export class SmallDisk {
  readonly folder: string;
  /** Takes what nobody is to have; and then the rest. */
  readonly #ballast: string;
  readonly #filler: string;
  #isMounted = true;

  /** Undefined where nobody lets us mount one. */
  static mount(folder: string, megabytes: number): SmallDisk | undefined {
    mkdirSync(folder, { recursive: true });
    try {
      const options = `size=${megabytes}m,mode=700`;
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    const disk = new SmallDisk(folder);
    // Whoever ends the campaign must not have to clear up.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        disk.unmount();
        process.exit(1);
      });
    }
    return disk;
  }

  private constructor(folder: string) {
    this.folder = folder;
    this.#ballast = join(folder, 'ballast');
    this.#filler = join(folder, 'filler');
  }

  /** Leaves so much free: the nearer the disk is to being full, the quicker it is filled. */
  load(headroom: number): void {
    rmSync(this.#ballast, { force: true });
    const file = openSync(this.#ballast, 'w');
    for (let left = this.free - headroom; left >= PIECE.length; left -= PIECE.length) writeSync(file, PIECE);
    closeSync(file);
  }

  /** Takes all of it but `left` bytes; and again, what has become free since. */
  fill(left: number): void {
    const file = openSync(this.#filler, 'a');
    takeAll(file, PIECE);
    takeAll(file, PAGE);
    const { size } = fstatSync(file);
    closeSync(file);
    if (left > 0) truncateSync(this.#filler, Math.max(0, size - left));
  }

  release(): void {
    rmSync(this.#filler, { force: true });
  }

  get free(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }

  unmount(): void {
    if (!this.#isMounted) return;
    this.#isMounted = false;
    execFileSync('umount', ['-l', this.folder]);
  }
}

function takeAll(file: number, piece: Buffer): void {
  try {
    while (writeSync(file, piece) === piece.length);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}
