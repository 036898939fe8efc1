/** A small disk in memory, which can be filled at once. Only root may mount one. */

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
  /** Takes up space for good, and until `release`. */
  readonly #ballast: string;
  readonly #filler: string;
  #isMounted = true;

  /** A disk of that size, such as `2m`. Undefined if this user may not mount one. */
  static mount(folder: string, size: string): SmallDisk | undefined {
    mkdirSync(folder, { recursive: true });
    try {
      const options = `size=${size},mode=700`;
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    const disk = new SmallDisk(folder);
    // Unmounts it even if the process is interrupted.
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

  /** Leaves `headroom` bytes free. An almost full disk is filled faster. */
  load(headroom: number): void {
    rmSync(this.#ballast, { force: true });
    const file = openSync(this.#ballast, 'w');
    for (let left = this.free - headroom; left >= PIECE.length; left -= PIECE.length) writeSync(file, PIECE);
    closeSync(file);
  }

  /** Takes all free space but `left` bytes. Call again to take what has become free since. */
  fill(left = 0): void {
    const file = openSync(this.#filler, 'a');
    takeAll(file, PIECE);
    takeAll(file, PAGE);
    const { size } = fstatSync(file);
    closeSync(file);
    if (left > 0) truncateSync(this.#filler, Math.max(0, size - left));
  }

  /** Frees what `fill` took. */
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
