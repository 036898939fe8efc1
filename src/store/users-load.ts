/**
 * Reading a whole `users.txt` (see `users-record.ts`) and judging what is wrong with it.
 *
 * The rule that tells a torn end from damage: bytes after which no valid record follows are what a crash left of
 * an append that was never acknowledged; something invalid that a valid record follows was damaged later. An
 * append is at most a page and a record, so a long invalid end is damage, too: dropping it would silently
 * free the names of many accounts.
 *
 * A last record that only lacks its newline counts: it is complete, because a time has a fixed width and ends in
 * `Z`. A cut inside the time or the hash leaves no record.
 */

import { foldName } from '../chat/names.ts';
import type { OpenFile } from './file-system.ts';
import { FIRST_LINE, isRemoval, nameOf, type RecordFault, recordFault } from './users-record.ts';

/** Longest end that is dropped as torn. An append writes less than 5 KiB; the rest is for what a disk may add. */
export const TORN_BYTES_MAX = 65_536;

const BLOCK_BYTES = 1 << 20;
const NEWLINE = 0x0a;

export interface LoadedUsers {
  readonly type: 'loaded';
  /** The winning line of each account, without its newline, by folded name. */
  readonly lines: Map<string, string>;
  /** How many records there are, superseded ones and removals included. */
  readonly records: number;
  /** Where the last valid record ends, its newline included; what follows is torn. In bytes. */
  readonly length: number;
  /** The last record is complete but for its newline, which `length` does not count. */
  readonly lacksNewline: boolean;
}

/** `line` is counted from 1. */
export type DamagedUsers = {
  readonly type: 'damaged';
  readonly line: number;
  readonly fault: RecordFault;
};

/** Reads the records behind the first line. */
export async function loadUsers(file: OpenFile): Promise<LoadedUsers | DamagedUsers> {
  const lines = new Map<string, string>();
  let records = 0;
  let lacksNewline = false;
  let damage: DamagedUsers | undefined;
  let blockStart = FIRST_LINE.length;
  let length = blockStart;
  let lineNumber = 1;

  for await (const block of readBlocks(file, blockStart)) {
    let start = 0;
    while (start < block.length) {
      const newline = block.indexOf(NEWLINE, start);
      const end = newline === -1 ? block.length : newline;
      const fault = recordFault(block, start, end);
      lineNumber++;
      if (fault !== undefined) {
        damage ??= { type: 'damaged', line: lineNumber, fault };
      } else if (damage !== undefined) {
        return damage;
      } else {
        apply(lines, block.toString('latin1', start, end));
        records++;
        lacksNewline = newline === -1;
        length = blockStart + (lacksNewline ? end : end + 1);
      }
      start = end + 1;
    }
    blockStart += block.length;
    if (damage !== undefined && blockStart - length > TORN_BYTES_MAX) return damage;
  }
  return { type: 'loaded', lines, records, length, lacksNewline };
}

/** Lets a valid line, without its newline, win over the earlier ones of its name. */
export function apply(lines: Map<string, string>, line: string): void {
  const key = foldName(nameOf(line));
  if (isRemoval(line)) lines.delete(key);
  else lines.set(key, line);
}

/**
 * The file from `position` on, in blocks that end with a newline: the file may be longer than the longest string.
 * Only the last block may lack its newline, and one that is a piece of a line of 1 MiB or more. A block is
 * overwritten when the next one is asked for.
 */
export async function* readBlocks(file: OpenFile, position: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(BLOCK_BYTES);
  let blockStart = position;
  let held = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, held, buffer.length - held, blockStart + held);
    if (bytesRead === 0) break;
    held += bytesRead;
    const newline = buffer.lastIndexOf(NEWLINE, held - 1);
    if (newline === -1 && held < buffer.length) continue;
    const end = newline === -1 ? held : newline + 1;
    yield buffer.subarray(0, end);
    buffer.copyWithin(0, end, held);
    held -= end;
    blockStart += end;
  }
  if (held > 0) yield buffer.subarray(0, held);
}
