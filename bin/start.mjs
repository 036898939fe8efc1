import { existsSync } from 'node:fs';

/** Runs the sources where they are, and the compiled program in the published package, which has no sources. */
export async function start() {
  const sources = new URL('../src/cli.ts', import.meta.url);
  const program = existsSync(sources) ? sources : new URL('../dist/cli.js', import.meta.url);
  const { main } = await import(program.href);
  await main(process.argv);
}
