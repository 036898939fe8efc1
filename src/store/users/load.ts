/**
 * Reads all of `users.txt` (see `record.ts`) and decides what is wrong with it.
 *
 * A line that is not a record is damage, and its meaning is never guessed: dropping it could let in an account that was
 * removed, or free the name of an existing one. The only exception is what a crash leaves of an append that was never
 * acknowledged: the file ends, without a newline, in the beginning of a record as this server writes it, or in zeros.
 * Appends are synced page by page, so zeros are never followed by data (`append-file.ts`).
 *
 * A last record that lacks only its newline counts: it is complete, because a time has a fixed width and ends in `Z`. A
 * cut inside the time or the hash leaves no record.
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

/**
 * Longest torn end that is dropped. An append writes at most a page between two syncs; the rest allows for what a disk
 * may add.
 */
export const TORN_BYTES_MAX = 65_536;

const BLOCK_BYTES = 1 << 20;
const NEWLINE = 0x0a;

export interface LoadedUsers {
  readonly type: 'loaded';
  /** The winning line of each account, without its newline, by folded name. */
  readonly lines: Map<string, string>;
  /** Number of records, including superseded ones and removals. */
  readonly records: number;
  /** Where the last valid record ends, including its newline, in bytes. What follows is torn. */
  readonly length: number;
  /** The last record is complete except for its newline, which `length` does not include. */
  readonly lacksNewline: boolean;
  /** A line differs from the form in which it would be written. */
  readonly isUntidy: boolean;
}

/** `line` counts from 1. */
export type DamagedUsers = {
  readonly type: 'damaged';
  readonly line: number;
  readonly fault: RecordFault;
};

/** Reads the records after the first line, which ends before `start`. Calls `seen` for each, in order. */
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

/** For bytes at the end of the file, or the beginning of a far too long line. */
function isTorn(bytes: Buffer): boolean {
  return bytes.length <= TORN_BYTES_MAX && isTornRecord(bytes);
}

/** Applies a valid line, without its newline: it supersedes earlier lines of the same name. */
export function apply(lines: Map<string, string>, line: string): void {
  const key = foldName(nameOf(line));
  if (isRemoval(line)) lines.delete(key);
  else lines.set(key, line);
}

/**
 * The file from `position` on, in blocks that end with a newline, because the file may be longer than the longest
 * string. Only the last block may lack its newline, and one that is a piece of a line of 1 MiB or more. Each block is
 * overwritten when the next one is requested.
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
