import { existsSync, mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Runs the sources where they are, and the compiled program in the published package, which has no sources. */
export async function start() {
  keepCompiled();
  const sources = new URL('../src/cli/main.ts', import.meta.url);
  const program = existsSync(sources) ? sources : new URL('../dist/cli/main.js', import.meta.url);
  const { main } = await import(program.href).catch(explainMissing);
  await main(process.argv);
}

/** A checkout without its libraries is usual; anything else is a fault of the program. */
function explainMissing(error) {
  const checkout = fileURLToPath(new URL('..', import.meta.url));
  const isFresh = existsSync(join(checkout, 'src')) && !existsSync(join(checkout, 'node_modules'));
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || !isFresh) throw error;
  console.error(`parley: its libraries are missing: run "npm install" in ${checkout}, then try again`);
  process.exit(1);
}

/**
 * What has been compiled is kept for the next start, which so takes two thirds of the time. In a folder of this user alone:
 * who can write there decides what is run. Where there can be none, everything is compiled anew.
 */
function keepCompiled() {
  if (process.env.NODE_COMPILE_CACHE !== undefined) return;
  try {
    const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'parley');
    // One by one: with `recursive`, Node tries for ever where no folder can be made, as in /proc.
    for (const path of [dirname(folder), folder]) if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
    enableCompileCache(folder);
    // The threads look here.
    process.env.NODE_COMPILE_CACHE = folder;
  } catch {}
}
