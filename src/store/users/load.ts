/**
 * Reading a whole `users.txt` (see `record.ts`) and judging what is wrong with it.
 *
 * A line that is not a record is damage, and nobody guesses what it meant: to drop it could let somebody in who was taken
 * out, or free the name of an account. The one exception is what a crash leaves of an append that was never
 * acknowledged: the file ends, without a newline, in the beginning of a record as this server writes it, or in zeros. An
 * append is synced page by page, so zeros are never in front of anything (`append-file.ts`).
 *
 * A last record that only lacks its newline counts: it is complete, because a time has a fixed width and ends in
 * `Z`. A cut inside the time or the hash leaves no record.
 */

import { foldName } from '../../chat/names.ts';
import type { OpenFile } from '../files/file-system.ts';
import {
  isRemoval,
  isTornRecord,
  lineFault,
  nameOf,
  type RecordFault,
  readEdited,
  recordFault,
} from './record.ts';

/** Longest end that is dropped as torn. An append writes at most a page between two syncs; the rest is for what a disk may add. */
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
  /** A line differs from the form in which it would be written. */
  readonly isUntidy: boolean;
}

/** `line` is counted from 1. */
export type DamagedUsers = {
  readonly type: 'damaged';
  readonly line: number;
  readonly fault: RecordFault;
};

/** Reads the records behind the first line, which ends before `start`. `seen` is told each of them, in order. */
export async function loadUsers(
  file: OpenFile,
  start: number,
  seen?: (line: string) => void,
): Promise<LoadedUsers | DamagedUsers> {
  const lines = new Map<string, string>();
  let records = 0;
  let lacksNewline = false;
  let isUntidy = false;
  let blockStart = start;
  let length = blockStart;
  let lineNumber = 1;

  for await (const block of readBlocks(file, blockStart)) {
    let lineStart = 0;
    while (lineStart < block.length) {
      const newline = block.indexOf(NEWLINE, lineStart);
      const end = newline === -1 ? block.length : newline;
      const isTidy = recordFault(block, lineStart, end) === undefined;
      const line = isTidy ? block.toString('latin1', lineStart, end) : readEdited(block, lineStart, end);
      lineNumber++;
      if (line !== undefined) {
        apply(lines, line);
        seen?.(line);
        records++;
        isUntidy ||= !isTidy;
        lacksNewline = newline === -1;
        length = blockStart + (lacksNewline ? end : end + 1);
      } else if (newline !== -1 || !isTorn(block.subarray(lineStart))) {
        return { type: 'damaged', line: lineNumber, fault: lineFault(block, lineStart, end) };
      }
      lineStart = end + 1;
    }
    blockStart += block.length;
  }
  return { type: 'loaded', lines, records, length, lacksNewline, isUntidy };
}

/** Of bytes behind which the file ends, or which are the beginning of a far too long line. */
function isTorn(bytes: Buffer): boolean {
  return bytes.length <= TORN_BYTES_MAX && isTornRecord(bytes);
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
