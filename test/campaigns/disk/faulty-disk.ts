/**
 * A disk that fails on purpose, for one process: `faulty-disk.c`, preloaded. It takes orders through a file
 * that both sides have open, at any time.
 */

import { closeSync, mkdirSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileLibrary } from '../../support/program.ts';

const SOURCE = fileURLToPath(new URL('./faulty-disk.c', import.meta.url));

/** Kinds of operations, as bit flags. */
export const OPERATION = {
  open: 1,
  write: 2,
  sync: 4,
  truncate: 8,
  unlink: 16,
  rename: 32,
  read: 64,
} as const;

/** All operations that change something. */
export const CHANGES =
  OPERATION.open |
  OPERATION.write |
  OPERATION.sync |
  OPERATION.truncate |
  OPERATION.unlink |
  OPERATION.rename;

export interface Fault {
  readonly code: 'EIO' | 'ENOSPC';
  /** The kinds of operations that are counted and may fail. */
  readonly kinds: number;
  /** The first and last operation that fail, counted from 1 since the order was given. */
  readonly first: number;
  readonly last: number;
  /** Restricts the fault to files whose names end like this. */
  readonly name?: string;
}

/** `struct control` of `faulty-disk.c`. */
const FIELDS = { operations: 0, first: 1, last: 2, code: 3, failures: 4, kinds: 5 } as const;
const NAME_AT = 48;
const NAME_BYTES = 64;
const CONTROL_BYTES = NAME_AT + NAME_BYTES;

export class FaultyDisk {
  readonly #control: number;
  /** The environment of a process on this disk. */
  readonly env: Readonly<Record<string, string>>;

  /**
   * `folder` holds the files on this disk, and `tools` the disk's own files, outside of `folder`. `journal`
   * gets a record of every operation.
   */
  static make(folder: string, tools: string, journal?: string): FaultyDisk {
    mkdirSync(tools, { recursive: true });
    const library = join(tools, 'faulty-disk.so');
    compileLibrary(SOURCE, library);
    const control = join(tools, 'control');
    writeFileSync(control, Buffer.alloc(CONTROL_BYTES));
    if (journal !== undefined) writeFileSync(journal, '');
    return new FaultyDisk({
      LD_PRELOAD: library,
      FAULTY_DISK_FOLDER: folder,
      FAULTY_DISK_CONTROL: control,
      ...(journal === undefined ? {} : { FAULTY_DISK_JOURNAL: journal }),
    });
  }

  /** The disk that this process runs on. */
  static own(): FaultyDisk {
    return new FaultyDisk({ FAULTY_DISK_CONTROL: process.env.FAULTY_DISK_CONTROL ?? '' });
  }

  private constructor(env: Readonly<Record<string, string>> & { readonly FAULTY_DISK_CONTROL: string }) {
    this.env = env;
    this.#control = openSync(env.FAULTY_DISK_CONTROL, 'r+');
  }

  /** Counts from 1 again and makes these operations fail. */
  fail({ code, kinds, first, last, name = '' }: Fault): void {
    this.heal();
    const bytes = Buffer.alloc(CONTROL_BYTES);
    const fields = { first, last, code: constants.errno[code], kinds };
    for (const [field, value] of Object.entries(fields)) {
      if (isField(field)) bytes.writeBigInt64LE(BigInt(value), FIELDS[field] * 8);
    }
    bytes.write(name, NAME_AT);
    writeSync(this.#control, bytes, 0, bytes.length, 0);
  }

  /** Ends the fault; the counts stay. */
  heal(): void {
    writeSync(this.#control, Buffer.alloc(8), 0, 8, FIELDS.code * 8);
  }

  /** Operations since the last `fail`. */
  get operations(): number {
    return this.#read('operations');
  }

  /** How many of them failed. */
  get failures(): number {
    return this.#read('failures');
  }

  close(): void {
    closeSync(this.#control);
  }

  #read(field: keyof typeof FIELDS): number {
    const bytes = Buffer.alloc(8);
    readSync(this.#control, bytes, 0, 8, FIELDS[field] * 8);
    return Number(bytes.readBigInt64LE());
  }
}

function isField(name: string): name is keyof typeof FIELDS {
  return name in FIELDS;
}
