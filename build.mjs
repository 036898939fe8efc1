/** Makes `dist/`, which the published package runs: the compiled sources, and what pages are made of as it is. */

import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Scripts and styles that are read at run time. */
const AS_THEY_ARE = ['client/display/page', 'load/report/style.css'];

rmSync('dist', { recursive: true, force: true });
const compiler = fileURLToPath(import.meta.resolve('typescript/package.json')).replace(
  /package\.json$/,
  'bin/tsc',
);
execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
for (const path of AS_THEY_ARE) {
  cpSync(`src/${path}`, `dist/${path}`, {
    recursive: true,
    filter: (file) => !file.endsWith('tsconfig.json'),
  });
}
