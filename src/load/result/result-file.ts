/** Reads and writes results as JSON files. */

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { withoutByteOrderMark } from '../../common/byte-order-mark.ts';
import { RESULT_VERSION, type Result, resultSchema } from './result.ts';
import { reasonOf, type Written, writeWhole } from './whole-file.ts';

export type Loaded =
  | { readonly type: 'result'; readonly result: Result }
  /** `text` says which file, where in it, and what to do. */
  | { readonly type: 'unreadable'; readonly text: string };

const head = z.object({ format: z.literal('parley-load'), version: z.number() });

export function writeResult(path: string, result: Result): Promise<Written> {
  return writeWhole(path, `${JSON.stringify(result, undefined, 2)}\n`);
}

export async function readResult(path: string): Promise<Loaded> {
  let text: string;
  try {
    text = withoutByteOrderMark(await readFile(path, 'utf8'));
  } catch (error) {
    return { type: 'unreadable', text: `cannot read ${path}: ${reasonOf(error)}` };
  }
  const unreadable = (problem: string): Loaded => ({ type: 'unreadable', text: `${path}: ${problem}` });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const where = error instanceof Error ? error.message : String(error);
    return unreadable(`not JSON (${where}); use a result file written by \`parley load\``);
  }
  const known = head.safeParse(json);
  if (!known.success) return unreadable('not a result of `parley load`; use a file that it wrote');
  if (known.data.version > RESULT_VERSION) {
    return unreadable(
      `written by a newer Parley (format version ${known.data.version}, this one supports ${RESULT_VERSION}); update Parley to read it`,
    );
  }
  const checked = resultSchema.safeParse(json);
  if (checked.success) return { type: 'result', result: checked.data };
  const [first] = checked.error.issues;
  const more = checked.error.issues.length - 1;
  const place =
    first === undefined || first.path.length === 0 ? 'the top level' : first.path.map(String).join('.');
  return unreadable(
    `damaged at ${place}: ${first?.message ?? 'unexpected value'}${more > 0 ? `, and ${more} more` : ''}; run the load test again to replace it`,
  );
}
