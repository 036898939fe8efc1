import { execFileSync, spawn } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openDisplay } from '../../../src/client/display/open-display.ts';
import { displayFile } from '../../../src/client/options.ts';
import { createFolder, messageAt, startDisplay } from './fixture.ts';

const options = { title: 'alice on localhost' };

test('a display is readable by its owner only, and starts with a marker', async () => {
  const folder = createFolder();
  const file = join(folder, 'chat.html');
  await startDisplay(file);
  expect(readFileSync(file, 'utf8')).toMatch(/^<!doctype html>\n<!-- parley display 1 -->\n<html lang="en">/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'chat.live.js')).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder).sort()).toEqual(['.chat.html.lock', 'chat.html', 'chat.live.js']);
});

test('a display of an earlier run is reset', async () => {
  const file = join(createFolder(), 'chat.html');
  const earlier = await startDisplay(file);
  await earlier.append([messageAt(0, { text: 'from the earlier run' })]);
  await earlier.close();
  expect(readFileSync(file, 'utf8')).toContain('from the earlier run');
  const later = await startDisplay(file);
  expect(readFileSync(file, 'utf8')).not.toContain('from the earlier run');
  expect(await later.append([messageAt(1)])).toEqual({ type: 'written' });
  expect(readFileSync(file, 'utf8')).toContain('message 1');
});

test('a display to which an editor has added a byte order mark is still a display', async () => {
  const file = join(createFolder(), 'chat.html');
  const earlier = await startDisplay(file);
  await earlier.close();
  await writeFile(file, `\ufeff${readFileSync(file, 'utf8')}`);
  await startDisplay(file);
  expect(readFileSync(file, 'utf8')).toMatch(/^<!doctype html>/);
});

test('anything else at the path is refused and left as it is, unless forced', async () => {
  const file = join(createFolder(), 'chat.html');
  const contents = [
    '',
    'notes',
    '<!doctype html>\n<html>a page of mine, <!-- parley display 1 -->',
    Buffer.from([0, 255, 254, 10]),
  ];
  for (const content of contents) {
    await writeFile(file, content);
    const opened = await openDisplay(file, options);
    expect(opened).toMatchObject({ type: 'refused', code: 'not_ours' });
    expect(readFileSync(file)).toEqual(Buffer.from(content));
  }
  const opened = await openDisplay(file, { ...options, force: true });
  if (opened.type === 'refused') throw new Error(opened.text);
  expect(await opened.display.append([messageAt(0)])).toEqual({ type: 'written' });
  await opened.display.close();
  expect(readFileSync(file, 'utf8')).toContain('message 0');
});

test('a file that only has the name of the live file is refused, unless forced', async () => {
  const folder = createFolder();
  await writeFile(join(folder, 'chat.live.js'), 'work of years');
  const opened = await openDisplay(join(folder, 'chat.html'), options);
  expect(opened).toMatchObject({ type: 'refused', code: 'not_ours' });
  expect(opened).toHaveProperty('text', expect.stringContaining('chat.live.js'));
  expect(readdirSync(folder)).toEqual(['chat.live.js']);
  expect(readFileSync(join(folder, 'chat.live.js'), 'utf8')).toBe('work of years');
});

test('a link to a display is followed; a link to something else, or to nothing, is refused', async () => {
  const [folder, elsewhere] = [createFolder(), createFolder()];
  const link = join(folder, 'chat.html');
  const target = join(elsewhere, 'target.html');
  await symlink(target, link);
  expect(await openDisplay(link, options)).toMatchObject({ type: 'refused', code: 'not_ours' });
  await writeFile(target, 'notes');
  expect(await openDisplay(link, options)).toMatchObject({ type: 'refused', code: 'not_ours' });
  expect(readFileSync(target, 'utf8')).toBe('notes');

  const opened = await openDisplay(link, { ...options, force: true });
  if (opened.type === 'refused') throw new Error(opened.text);
  await opened.display.close();
  const again = await startDisplay(link);
  await again.append([messageAt(0)]);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(target, 'utf8')).toContain('message 0');
  // A browser that is given the link looks beside the link.
  expect(readdirSync(folder).sort()).toEqual(['chat.html', 'chat.live.js']);
});

test('a path that cannot be written is refused with what to do', async () => {
  const folder = createFolder();
  await writeFile(join(folder, 'file'), '');
  const refusals = {
    [join(folder, 'missing', 'chat.html')]:
      'its folder does not exist; create the folder, or choose another file',
    [join(folder, 'file', 'chat.html')]: 'a part of its path is a file, not a folder; choose another file',
    [join(folder, `${'x'.repeat(300)}.html`)]: 'the name is too long; choose a shorter one',
    [join(folder, `${'x'.repeat(246)}.html`)]:
      `its lock ${join(folder, `.${'x'.repeat(246)}.html.lock`)}: the name is too long; choose a shorter one`,
  };
  for (const [file, reason] of Object.entries(refusals)) {
    const text = `cannot write the display ${file}: ${reason}`;
    expect(await openDisplay(file, options)).toEqual({ type: 'refused', code: 'unwritable', text });
  }
  // No file can be created in this folder, not even by root.
  expect(await openDisplay('/proc/chat.html', options)).toMatchObject({
    type: 'refused',
    code: 'unwritable',
  });
  expect(readdirSync(folder)).toEqual(['file']);
});

test('a display that cannot be reset keeps its old content', async () => {
  const folder = createFolder();
  const file = join(folder, 'chat.html');
  const earlier = await startDisplay(file);
  await earlier.append([messageAt(0, { text: 'from the earlier run' })]);
  await earlier.close();
  // The live file cannot be replaced, because the path of its temporary file is taken by a folder.
  await mkdir(join(folder, '.chat.live.js.tmp'));
  expect(await openDisplay(file, options)).toMatchObject({ type: 'refused', code: 'unwritable' });
  expect(readFileSync(file, 'utf8')).toContain('from the earlier run');
  expect(readdirSync(folder).sort()).toEqual(['.chat.live.js.tmp', 'chat.html', 'chat.live.js']);
});

test('a display that another client writes to is in use until that client closes it or dies', async () => {
  const folder = createFolder();
  const file = join(folder, 'chat.html');
  const first = await startDisplay(file);
  await first.append([messageAt(0)]);
  await symlink(file, join(folder, 'link.html'));
  for (const path of [file, join(folder, 'link.html')]) {
    for (const force of [false, true]) {
      expect(await openDisplay(path, { ...options, force })).toMatchObject({
        type: 'refused',
        code: 'in_use',
      });
    }
  }
  expect(await first.append([messageAt(1)])).toEqual({ type: 'written' });
  await first.close();

  const module = new URL('../../../src/client/display/open-display.ts', import.meta.url);
  const program = `
    import { openDisplay } from ${JSON.stringify(module.href)};
    console.log((await openDisplay(${JSON.stringify(file)}, { title: 'other' })).type);
    setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void other.kill('SIGKILL'));
  expect(String(await new Promise((resolve) => other.stdout.once('data', resolve)))).toBe('open\n');
  expect(await openDisplay(file, options)).toMatchObject({ type: 'refused', code: 'in_use' });
  const died = new Promise((resolve) => other.once('exit', resolve));
  other.kill('SIGKILL');
  await died;
  await startDisplay(file);
});

test('a display that was removed, replaced or changed accepts no more records, and says so', async () => {
  const folder = createFolder();
  for (const change of [
    (file: string) =>
      rename(file, join(folder, 'elsewhere')).then(() => writeFile(join(folder, 'elsewhere'), 'x')),
    (file: string) => writeFile(file, ''),
    (file: string) => writeFile(file, 'more', { flag: 'a' }),
    async (file: string) => {
      await writeFile(join(folder, 'edited'), readFileSync(file));
      await rename(join(folder, 'edited'), file);
    },
  ]) {
    const file = join(folder, 'chat.html');
    const opened = await openDisplay(file, { ...options, force: true });
    if (opened.type === 'refused') throw new Error(opened.text);
    expect(await opened.display.append([messageAt(0)])).toEqual({ type: 'written' });
    await change(file);
    const text = `cannot write the display ${file}: someone removed, replaced or changed it`;
    expect(await opened.display.append([messageAt(1)])).toEqual({ type: 'failed', code: 'lost', text });
    await opened.display.close();
  }
});

test('a path that is not a file is refused under its own name, without an added extension, even if forced', async () => {
  const folder = createFolder();
  await mkdir(join(folder, 'folder'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const socket = createServer();
  await new Promise<void>((resolve) => socket.listen(join(folder, 'socket'), resolve));
  onTestFinished(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  await symlink('/dev/full', join(folder, 'link'));
  expect(displayFile('/dev/null')).toBe('/dev/null');
  const kinds = {
    [join(folder, 'link')]: 'a device',
    [join(folder, 'folder')]: 'a folder',
    [`${join(folder, 'missing')}/`]: 'a folder',
    [join(folder, 'pipe')]: 'a named pipe',
    [join(folder, 'socket')]: 'a socket',
  };
  for (const [name, kind] of Object.entries(kinds)) {
    const opened = await openDisplay(displayFile(name), { ...options, force: true });
    const text = expect.stringMatching(new RegExp(`is ${kind}, not a file; choose another file$`));
    expect(opened).toEqual({ type: 'refused', code: 'not_ours', text });
  }
  expect(readdirSync(folder).sort()).toEqual(['folder', 'link', 'pipe', 'socket']);
  // A file, or a name that does not exist yet, gets the extension.
  await writeFile(join(folder, 'notes'), '');
  expect(displayFile(join(folder, 'notes'))).toBe(join(folder, 'notes.html'));
  expect(displayFile(join(folder, 'new'))).toBe(join(folder, 'new.html'));
});

test('a lock is gone when its display is closed; one of a client that was killed is taken over', async () => {
  const folder = createFolder();
  const file = join(folder, 'chat.html');
  await writeFile(join(folder, '.chat.html.lock'), '');
  const display = await startDisplay(file);
  expect(readdirSync(folder)).toContain('.chat.html.lock');
  await display.close();
  expect(readdirSync(folder).sort()).toEqual(['chat.html', 'chat.live.js']);
});

test('of many simultaneous opens of one display, one succeeds at a time', async () => {
  const file = join(createFolder(), 'chat.html');
  let open = 0;
  const visit = async () => {
    for (let tries = 0; tries < 20; tries += 1) {
      const opened = await openDisplay(file, options);
      if (opened.type === 'refused') {
        expect(opened.code).toBe('in_use');
        await new Promise(setImmediate);
        continue;
      }
      open += 1;
      expect(open).toBe(1);
      await opened.display.append([messageAt(tries)]);
      open -= 1;
      await opened.display.close();
    }
  };
  await Promise.all([visit(), visit(), visit(), visit()]);
});
