/** `parley load compare`: reads two results, and prints them side by side. */

import { EXIT, type ExitCode } from '../exit.ts';
import { renderComparison } from './compare.ts';
import { readResult } from './result-file.ts';

export async function compareFiles(fileA: string, fileB: string): Promise<ExitCode> {
  const [a, b] = [await readResult(fileA), await readResult(fileB)];
  for (const loaded of [a, b]) if (loaded.type === 'unreadable') console.error(`parley: ${loaded.text}`);
  if (a.type === 'unreadable' || b.type === 'unreadable') return EXIT.usage;
  const named = [
    { name: fileA, result: a.result },
    { name: fileB, result: b.result },
  ] as const;
  process.stdout.write(renderComparison(...named, { color: process.stdout.hasColors?.() ?? false }));
  return EXIT.ok;
}
