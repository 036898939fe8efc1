/**
 * The file operations that a durable file needs, as in `node:fs/promises`, and complete reads and writes built on them.
 * Tests pass a `FileSystem` in which an operation fails.
 */

import type { Stats } from 'node:fs';
import * as nodeFiles from 'node:fs/promises';

export interface OpenFile {
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  write(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesWritten: number }>;
  stat(): Promise<Stats>;
  chmod(mode: number): Promise<void>;
  truncate(length: number): Promise<void>;
  /** Makes the content durable, with whatever is needed to read it back, including the size. */
  datasync(): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileSystem {
  open(path: string, flags: string | number, mode?: number): Promise<OpenFile>;
  lstat(path: string): Promise<Stats>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
}

/** The real file system. */
export const nodeFileSystem: FileSystem = nodeFiles;

/** An error of the operating system: `code` is `ENOSPC`, `EIO`, … */
export interface SystemError extends Error {
  readonly code: string;
}

export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}

/** True if the disk or the owner's quota is full. */
export function isDiskFull(error: SystemError): boolean {
  return error.code === 'ENOSPC' || error.code === 'EDQUOT';
}

/**
 * Writes all of `bytes` at `position`: a single `write` may accept only a part, for example on a disk that fills up.
 */
export async function writeFully(file: OpenFile, bytes: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Reads up to `length` bytes from `position`; fewer only at the end of the file. */
export async function readFully(file: OpenFile, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

/** The file's state, or undefined if there is none. */
export async function statOf(files: FileSystem, path: string): Promise<Stats | undefined> {
  try {
    return await files.lstat(path);
  } catch (error) {
    if (isSystemError(error) && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Runs `use` and closes the file in any case. An error of `use` takes precedence over one of closing. */
export async function using<T>(file: OpenFile, use: (file: OpenFile) => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await use(file);
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
  await file.close();
  return result;
}
