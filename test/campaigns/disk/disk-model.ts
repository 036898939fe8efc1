/**
 * What survives a power cut, according to the journal of a `FaultyDisk`: what was synced. After a failed sync
 * the pages stay in the cache, where reads still see them, but they count as clean: a later sync does not
 * write them.
 */

import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Pick } from '../../support/random.ts';
import { OPERATION } from './faulty-disk.ts';

/** `struct record` of `faulty-disk.c`: kind, handle, offset, length, failed; then the bytes. */
const RECORD_BYTES = 40;
const BLOCK_BYTES = 4_096;

interface Inode {
  /** The content that reads see: the first `length` bytes. The rest is zeros and room to grow. */
  content: Buffer;
  length: number;
  durable: Buffer;
  /** Ranges written but not synced. */
  dirty: Array<readonly [from: number, to: number]>;
  /** The shortest length since the last sync. Nothing durable survives past it. */
  shortest: number;
}

export class DiskModel {
  readonly #journal: number;
  #read = 0;
  readonly #names = new Map<string, Inode>();
  /** Names that survive a power cut, by folder. */
  readonly #durableNames = new Map<string, Map<string, Inode>>();
  /** The open files by handle; undefined for a folder. */
  readonly #open = new Map<number, { readonly path: string; readonly inode: Inode }>();

  constructor(journal: string) {
    this.#journal = openSync(journal, 'r');
  }

  /** Reads what has been added to the journal. */
  catchUp(): void {
    for (;;) {
      const head = Buffer.alloc(RECORD_BYTES);
      if (readSync(this.#journal, head, 0, RECORD_BYTES, this.#read) < RECORD_BYTES) return;
      const [kind = 0, handle = 0, offset = 0, length = 0, failed = 0] = Array.from({ length: 5 }, (_, i) =>
        Number(head.readBigInt64LE(i * 8)),
      );
      const bytes = Buffer.alloc(length);
      const at = this.#read + RECORD_BYTES;
      if (kind !== OPERATION.truncate && length > 0) readSync(this.#journal, bytes, 0, length, at);
      this.#read = at + length;
      this.#apply(kind, handle, offset, bytes, failed !== 0);
    }
  }

  /**
   * Writes what a power cut would leave of `folder` into another folder. With `pick`, some unsynced blocks
   * survive too.
   */
  cut(folder: string, into: string, pick?: Pick): void {
    this.catchUp();
    mkdirSync(into, { recursive: true, mode: 0o700 });
    for (const [name, inode] of this.#durableNames.get(folder) ?? []) {
      writeFileSync(join(into, name), survivors(inode, pick), { mode: 0o600 });
    }
  }

  /** A process has died, and `into` is a copy of its folder: the state of the disk is the same there. */
  fork(folder: string, into: string): void {
    this.catchUp();
    const copies = new Map<Inode, Inode>();
    const copyOf = (inode: Inode): Inode => {
      const copy = copies.get(inode) ?? {
        ...inode,
        content: Buffer.from(inode.content),
        dirty: [...inode.dirty],
      };
      copies.set(inode, copy);
      return copy;
    };
    for (const [path, inode] of [...this.#names]) {
      if (dirname(path) === folder) this.#names.set(join(into, basename(path)), copyOf(inode));
    }
    const durable = [...(this.#durableNames.get(folder) ?? [])].map(
      ([name, inode]) => [name, copyOf(inode)] as const,
    );
    this.#durableNames.set(into, new Map(durable));
  }

  /** Skips what has been added to the journal. */
  skip(): void {
    this.#read = fstatSync(this.#journal).size;
  }

  /** How far the journal has been read, in bytes. */
  get position(): number {
    return this.#read;
  }

  close(): void {
    closeSync(this.#journal);
  }

  #apply(kind: number, handle: number, offset: number, bytes: Buffer, failed: boolean): void {
    switch (kind) {
      case OPERATION.open:
        this.#opened(handle, bytes.toString(), offset !== 0);
        break;
      case OPERATION.unlink:
        this.#names.delete(bytes.toString());
        break;
      case OPERATION.rename: {
        const [from = '', to = ''] = bytes.toString().split('\n');
        const inode = this.#names.get(from);
        this.#names.delete(from);
        if (inode !== undefined) this.#names.set(to, inode);
        break;
      }
      default: {
        const file = this.#open.get(handle);
        // Opened before this journal began, so it does not matter.
        if (file === undefined) break;
        if (kind === OPERATION.sync) this.#synced(file, failed);
        else if (kind === OPERATION.truncate) truncate(file.inode, offset);
        else write(file.inode, offset, bytes);
      }
    }
  }

  #opened(handle: number, path: string, isCut: boolean): void {
    const inode = this.#names.get(path) ?? emptyInode();
    if (isCut) truncate(inode, 0);
    this.#names.set(path, inode);
    this.#open.set(handle, { path, inode });
  }

  #synced({ path, inode }: { readonly path: string; readonly inode: Inode }, failed: boolean): void {
    if (failed) {
      inode.dirty = [];
      return;
    }
    const inside = [...this.#names].filter(([name]) => dirname(name) === path);
    if (inside.length > 0) {
      this.#durableNames.set(path, new Map(inside.map(([name, file]) => [basename(name), file])));
      return;
    }
    inode.durable = survivors(inode, () => 0);
    inode.dirty = [];
    inode.shortest = inode.length;
  }
}

function emptyInode(): Inode {
  return { content: Buffer.alloc(0), length: 0, durable: Buffer.alloc(0), dirty: [], shortest: 0 };
}

function write(inode: Inode, offset: number, bytes: Buffer): void {
  const end = offset + bytes.length;
  if (end > inode.content.length) inode.content = resize(inode.content, 2 * end);
  inode.length = Math.max(inode.length, end);
  bytes.copy(inode.content, offset);
  inode.dirty.push([offset, end]);
}

function truncate(inode: Inode, length: number): void {
  inode.content = resize(inode.content.subarray(0, length), length);
  inode.length = length;
  inode.shortest = Math.min(inode.shortest, length);
  inode.dirty = inode.dirty
    .filter(([from]) => from < length)
    .map(([from, to]) => [from, Math.min(to, length)] as const);
}

/**
 * An unsynced block survives where `pick` returns 0. Without `pick` neither a block nor a change of length
 * does.
 */
function survivors({ content, length, durable, dirty, shortest }: Inode, pick?: Pick): Buffer {
  if (pick === undefined) return durable;
  const result = resize(durable.subarray(0, shortest), length);
  for (const [from, to] of dirty) {
    for (let at = from; at < to; ) {
      const end = Math.min(to, at - (at % BLOCK_BYTES) + BLOCK_BYTES);
      if (pick(2) === 0) content.copy(result, at, at, end);
      at = end;
    }
  }
  return result;
}

function resize(bytes: Buffer, length: number): Buffer {
  const result = Buffer.alloc(length);
  bytes.copy(result, 0, 0, Math.min(bytes.length, length));
  return result;
}
