import { existsSync, mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Runs the sources where they are, and the compiled program in the published package, which has no sources. */
export async function start() {
  keepCompiled();
  const sources = new URL('../src/cli.ts', import.meta.url);
  const program = existsSync(sources) ? sources : new URL('../dist/cli.js', import.meta.url);
  const { main } = await import(program.href);
  await main(process.argv);
}

/**
 * What has been compiled is kept for the next start, which so takes two thirds of the time. In a folder of this user alone:
 * who can write there decides what is run. Where there can be none, everything is compiled anew.
 */
function keepCompiled() {
  if (process.env.NODE_COMPILE_CACHE !== undefined) return;
  try {
    const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'parley');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    enableCompileCache(folder);
    // The threads look here.
    process.env.NODE_COMPILE_CACHE = folder;
  } catch {}
}
