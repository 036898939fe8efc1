/** Makes `dist/`, which the published package runs: the compiled sources, and the page's own script and style as they are. */

import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const page = 'client/display/page';

rmSync('dist', { recursive: true, force: true });
const compiler = fileURLToPath(import.meta.resolve('typescript/package.json')).replace(
  /package\.json$/,
  'bin/tsc',
);
execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
cpSync(`src/${page}`, `dist/${page}`, { recursive: true, filter: (path) => !path.endsWith('tsconfig.json') });
