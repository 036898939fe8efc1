import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readResult, writeResult } from '../../../src/load/result/result-file.ts';
import { writeWhole } from '../../../src/load/result/whole-file.ts';
import { testFolder } from '../../support/folder.ts';
import { sampleResult } from './sample-result.ts';

const folder = testFolder();
const sample = sampleResult();

async function problemOf(name: string, content: string): Promise<string> {
  const path = `${folder}/${name}`;
  writeFileSync(path, content);
  const loaded = await readResult(path);
  if (loaded.type !== 'unreadable') throw new Error('it was read');
  expect(loaded.text).toContain(path);
  return loaded.text;
}

describe('a result file', () => {
  it('is read as it was written, and is readable for people', async () => {
    const path = `${folder}/result.json`;
    expect(await writeResult(path, sample)).toEqual({ type: 'written' });
    expect(await readResult(path)).toEqual({ type: 'result', result: sample });
    expect(readFileSync(path, 'utf8')).toMatch(/^\{\n {2}"format": "parley-load",\n[\s\S]*\n\}\n$/);
  });

  it('is read behind a byte order mark', async () => {
    const path = `${folder}/marked.json`;
    writeFileSync(path, `\ufeff${JSON.stringify(sample)}`);
    expect(await readResult(path)).toEqual({ type: 'result', result: sample });
  });

  it('replaces an older one atomically, also through a link, and leaves nothing else', async () => {
    const path = `${folder}/replaced.json`;
    writeFileSync(path, 'older');
    symlinkSync(path, `${folder}/link.json`);
    await writeResult(`${folder}/link.json`, sample);
    expect(await readResult(path)).toEqual({ type: 'result', result: sample });
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('may be a device', async () => {
    expect(await writeWhole('/dev/null', 'gone')).toEqual({ type: 'written' });
  });

  it.each([
    ['no-such-folder/result.json', 'no such file or folder'],
    ['', 'folder'],
  ])('that cannot be written says why: %j', async (name, reason) => {
    const written = await writeResult(`${folder}/${name}`, sample);
    expect(written.type === 'unwritable' && written.text).toContain(reason);
    expect(written.type === 'unwritable' && written.text).toContain(folder);
  });
});

describe('a file that is not a result', () => {
  it('may be missing', async () => {
    expect(await readResult(`${folder}/nothing.json`)).toEqual({
      type: 'unreadable',
      text: `cannot read ${folder}/nothing.json: no such file or folder`,
    });
  });

  it('may not be JSON', async () => {
    expect(await problemOf('torn.json', '{"format": "parley-load"')).toMatch(/not JSON .*position 24/);
  });

  it.each(['{}', '[]', 'null', '{"format":"k6","version":1}'])('may be other JSON: %s', async (content) => {
    expect(await problemOf('other.json', content)).toContain('not a result of `parley load`; use a file');
  });

  it('may be from a newer version', async () => {
    const text = await problemOf('later.json', JSON.stringify({ ...sample, version: 2, figures: 'unknown' }));
    expect(text).toContain('written by a newer Parley (format version 2, this one supports 1); update');
  });

  it('may be damaged, and the error says where', async () => {
    const damaged = JSON.stringify({ ...sample, figures: { ...sample.figures, sent: 'many', due: null } });
    expect(await problemOf('damaged.json', damaged)).toMatch(
      /damaged at figures\.due: .*expected number.*, and 1 more; run the load test again/,
    );
  });
});
