/** `parley load compare`: reads two results and prints them side by side. */

import { EXIT, type ExitCode } from '../../common/exit.ts';
import { answer, complain } from '../run/output.ts';
import { renderComparison } from './compare.ts';
import { isValid } from './result.ts';
import { readResult } from './result-file.ts';

export async function compareFiles(fileA: string, fileB: string): Promise<ExitCode> {
  const [a, b] = [await readResult(fileA), await readResult(fileB)];
  for (const loaded of [a, b]) if (loaded.type === 'unreadable') complain(loaded.text);
  if (a.type === 'unreadable' || b.type === 'unreadable') return EXIT.usage;
  const named = [
    { name: fileA, result: a.result },
    { name: fileB, result: b.result },
  ] as const;
  const text = renderComparison(...named, { color: process.stdout.hasColors?.() ?? false });
  return answer(text, isValid(a.result) && isValid(b.result) ? EXIT.ok : EXIT.invalid);
}
