/**
 * A disk that fails on purpose, under real files in one folder. Every operation is a real one on `node:fs`; the
 * one that is told to fails instead (a write after half of its bytes), and from a crash on all do. It keeps
 * account of what has been synced, so that a power cut can be played: what was not synced is gone.
 *
 * As on Linux, a failed sync leaves its pages in the cache, where reads still see them, but they count as clean:
 * a later sync does not write them.
 */

import type { Stats } from 'node:fs';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import type { FileSystem, OpenFile } from '../../../src/store/files/file-system.ts';

export interface Fault {
  /** The operation that fails, counted from 1. */
  readonly at: number;
  readonly code: 'EIO' | 'ENOSPC' | 'EACCES';
  /** Every later operation fails, too: the process has died. */
  readonly isCrash?: boolean;
}

interface Inode {
  /** What is on disk. */
  durable: Buffer;
  /** Written, not synced: offsets from, to. */
  dirty: Array<readonly [from: number, to: number]>;
  /** Open as long as this disk is in use, so that its number is not given to another file. */
  readonly pin: fs.FileHandle;
}

export class BrokenDisk implements FileSystem {
  readonly #folder: string;
  readonly #inodes = new Map<number, Inode>();
  /** Names that survive a power cut. */
  #durableNames = new Map<string, number>();
  #fault: Fault | undefined;
  /** Operations so far, by name. */
  readonly counts = new Map<string, number>();
  operations = 0;
  /** If set, a crashing write leaves the pages behind the first page boundary, and a hole in front of them. */
  losesFirstPage = false;

  /** If set, the kernel writes every page as soon as it is dirty; cutting a file still takes a sync. */
  writesBack = false;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** `isSynced`: whether what the folder holds now would survive a power cut. */
  static async under(folder: string, isSynced = true): Promise<BrokenDisk> {
    const disk = new BrokenDisk(folder);
    for (const name of await fs.readdir(folder)) {
      const inode = await disk.#inodeOf(join(folder, name));
      const bytes = await fs.readFile(join(folder, name));
      if (isSynced) inode.durable = bytes;
      else inode.dirty.push([0, bytes.length]);
    }
    await disk.#syncNames();
    return disk;
  }

  fail(fault: Fault | undefined): void {
    this.#fault = fault;
    this.operations = 0;
  }

  async open(path: string, flags: string | number, mode?: number): Promise<OpenFile> {
    this.#step('open');
    const handle = await fs.open(path, flags, mode);
    if (path === this.#folder) return this.#file(handle, undefined);
    return this.#file(handle, await this.#inodeOf(path));
  }

  async lstat(path: string): Promise<Stats> {
    this.#step('lstat');
    return fs.lstat(path);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step('rename');
    await fs.rename(from, to);
  }

  async unlink(path: string): Promise<void> {
    this.#step('unlink');
    await fs.unlink(path);
  }

  /** Leaves in the folder what was synced, and ends the use of this disk. */
  async powerCut(): Promise<void> {
    for (const name of await fs.readdir(this.#folder)) await fs.unlink(join(this.#folder, name));
    for (const [name, ino] of this.#durableNames) {
      const bytes = this.#inodes.get(ino)?.durable ?? Buffer.alloc(0);
      await fs.writeFile(join(this.#folder, name), bytes, { mode: 0o600 });
    }
    await this.end();
  }

  async end(): Promise<void> {
    for (const { pin } of this.#inodes.values()) await pin.close();
    this.#inodes.clear();
  }

  #file(handle: fs.FileHandle, inode: Inode | undefined): OpenFile {
    const step = (operation: string) => this.#step(operation);
    const sync = (operation: string) => this.#sync(operation, handle, inode);
    return {
      read: async (...args) => {
        step('read');
        return handle.read(...args);
      },
      write: async (buffer, offset, length, position) => {
        try {
          step('write');
        } catch (error) {
          if (this.operations > (this.#fault?.at ?? 0)) throw error;
          const from = this.losesFirstPage ? Math.min(length, 4_096 - (position % 4_096)) : 0;
          const count = this.losesFirstPage ? length - from : length >> 1;
          await handle.write(buffer, offset + from, count, position + from);
          await this.#written(inode, position + from, position + from + count);
          throw error;
        }
        const result = await handle.write(buffer, offset, length, position);
        await this.#written(inode, position, position + result.bytesWritten);
        return result;
      },
      stat: async () => {
        step('stat');
        return handle.stat();
      },
      chmod: async (mode) => {
        step('chmod');
        await handle.chmod(mode);
      },
      truncate: async (length) => {
        step('truncate');
        await handle.truncate(length);
        if (inode !== undefined) {
          inode.dirty = inode.dirty
            .filter(([from]) => from < length)
            .map(([from, to]) => [from, Math.min(to, length)]);
        }
      },
      datasync: () => sync('datasync'),
      sync: () => sync('sync'),
      close: async () => {
        await handle.close();
        step('close');
      },
    };
  }

  async #sync(operation: string, handle: fs.FileHandle, inode: Inode | undefined): Promise<void> {
    try {
      this.#step(operation);
    } catch (error) {
      if (inode !== undefined) inode.dirty = [];
      throw error;
    }
    if (inode === undefined) {
      await this.#syncNames();
      return;
    }
    await handle.sync();
    const { size } = await handle.stat();
    await writeBack(inode, size);
  }

  async #written(inode: Inode | undefined, from: number, to: number): Promise<void> {
    inode?.dirty.push([from, to]);
    if (inode !== undefined && this.writesBack) await writeBack(inode, Math.max(to, inode.durable.length));
  }

  async #syncNames(): Promise<void> {
    this.#durableNames = new Map();
    for (const name of await fs.readdir(this.#folder)) {
      const { ino } = await fs.lstat(join(this.#folder, name));
      this.#durableNames.set(name, ino);
    }
  }

  async #inodeOf(path: string): Promise<Inode> {
    const { ino } = await fs.lstat(path);
    const known = this.#inodes.get(ino);
    if (known !== undefined) return known;
    const inode: Inode = { durable: Buffer.alloc(0), dirty: [], pin: await fs.open(path, 'r') };
    this.#inodes.set(ino, inode);
    return inode;
  }

  /** Counts an operation, and throws if it is the one that fails. */
  #step(operation: string): void {
    this.operations++;
    this.counts.set(operation, (this.counts.get(operation) ?? 0) + 1);
    const fault = this.#fault;
    if (fault === undefined) return;
    const { at, code, isCrash = false } = fault;
    if (this.operations !== at && !(isCrash && this.operations > at)) return;
    throw Object.assign(new Error(`${code}: on purpose, ${operation}`), { code, syscall: operation });
  }
}

/** Puts the dirty bytes on the disk, on which the file is then this long. */
async function writeBack(inode: Inode, length: number): Promise<void> {
  const durable = Buffer.alloc(length);
  inode.durable.copy(durable);
  for (const [from, to] of inode.dirty) await inode.pin.read(durable, from, to - from, from);
  inode.durable = durable;
  inode.dirty = [];
}
