import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../../support/folder.ts';
import { passwordFile, runScript, startScript } from '../../support/parley.ts';
import { runProcess } from '../../support/process.ts';
import { PARLEY } from '../../support/server.ts';
import { sharedServer } from '../../support/server-runs.ts';

const folder = testFolder();
const server = sharedServer('--guests');

function as(user: string, ...flags: string[]) {
  return { folder, user, address: server.address, flags };
}

describe('a script', () => {
  it('registers, chats with others, and logs out', async () => {
    const alice = startScript(as('alice', '--register'));
    const bob = startScript(as('bob', '--register'));
    alice.say('/join tea');
    await alice.see('joined #tea');
    bob.say('/join #tea');
    bob.say('hello & <b>welcome</b>');
    bob.say('/msg alice between us');
    alice.say('/wait-for #tea bob: hello 20');
    alice.say('/wait-for bob: between us 20');
    alice.say('//slashes stay');
    bob.say('/wait-for #tea alice: /slashes stay 20');
    expect(await alice.end()).toEqual({ code: 0, signal: null });
    expect(await bob.end()).toEqual({ code: 0, signal: null });
    expect(alice.stderr() + bob.stderr()).toBe('');
    // Other people's text goes to the display only.
    expect(alice.stdout()).not.toContain('hello');
    const page = readFileSync(alice.display, 'utf8');
    expect(page).toContain('hello &amp; &lt;b&gt;welcome&lt;/b&gt;');
    expect(page).toContain('between us');
    expect(page).toContain('/slashes stay');
  });

  it('answers each line before it runs the next', async () => {
    const { code, stdout } = await runScript(
      ['/join cake', '/who cake', '/to alice', '/leave cake', '/rooms', '/help join'],
      as('carol', '--register'),
    );
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'joined #cake',
      '1 member in #cake, 1 online: carol',
      '1 member in #cake, 1 online: carol',
      'plain text now goes to alice',
      'left #cake',
      expect.stringMatching(/^#/),
      ...stdout.split('\n').slice(6),
    ]);
    expect(stdout).toContain('/join ROOM: join a room');
  });

  it('continues after a refused line, says which it was, and exits with 1', async () => {
    const { code, stdout, stderr, display } = await runScript(
      ['no conversation yet', '/jion tea', '/msg nobody.here hi', '/leave tea', '/rooms'],
      as('dave', '--register'),
    );
    expect(code).toBe(1);
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^line 1: no conversation is selected/),
      expect.stringMatching(/^line 2: there is no command \/jion; did you mean \/join\?/),
      'line 3: not sent to nobody.here: there is no such user',
      expect.stringMatching(/^line 4: .*room/),
      '',
    ]);
    expect(stdout).toMatch(/^#/);
    expect(readFileSync(display, 'utf8')).toContain('did you mean /join?');
  });

  it('changes the password with the next two lines', async () => {
    const lines = ['/password', 'secret of erin', 'another secret'];
    expect(await runScript(lines, as('erin', '--register'))).toMatchObject({ code: 0, stderr: '' });
    expect(await runScript([], as('erin'))).toMatchObject({ code: 77 });
    expect(await runScript([], { ...as('erin'), password: 'another secret' })).toMatchObject({ code: 0 });
    const wrong = await runScript(['/password', 'not that one', 'whatever else'], {
      ...as('erin'),
      password: 'another secret',
    });
    expect(wrong).toMatchObject({ code: 1, stderr: 'line 1: unknown user or wrong password\n' });
    expect(readFileSync(wrong.display, 'utf8')).not.toMatch(/not that one|whatever else/);
  });

  it('exits at /quit, and accepts a last line without a newline', async () => {
    expect(await runScript(['/quit', '/jion'], as('frank', '--register'))).toMatchObject({
      code: 0,
      stderr: '',
    });
    const frank = startScript(as('frank'));
    frank.child.stdin?.write('/to alice\nlast line');
    expect(await frank.end()).toEqual({ code: 0, signal: null });
    expect(readFileSync(frank.display, 'utf8')).toContain('last line');
  });

  it('logs in as a guest', async () => {
    expect(await runScript(['/join lobby', 'hi'], as('visitor', '--guest'))).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  it('fetches all pages of a list', async () => {
    const join = (start: number) => Array.from({ length: 260 }, (_, i) => `/join r${start + i}`);
    await runScript(join(0), as('hugo', '--register'));
    const grace = startScript(as('grace', '--register', '--json'));
    for (const line of [...join(260), '/rooms']) grace.say(line);
    expect(await grace.end()).toMatchObject({ code: 0 });
    const list = grace.json().find(({ answer }) => answer === 'rooms');
    expect(list).toMatchObject({ ok: true, complete: true });
    const names = Array.isArray(list?.rooms) ? list.rooms.map(({ name }) => name) : [];
    expect(names).toEqual(expect.arrayContaining(Array.from({ length: 520 }, (_, i) => `#r${i}`)));
  });
});

describe('--json', () => {
  it('prints every event and answer on one line', async () => {
    const henry = startScript(as('henry', '--register', '--json'));
    henry.say('/join json');
    await henry.see('"answer":"join"');
    await runScript(['/join json', 'a "quoted" line', '/leave'], as('iris', '--register'));
    henry.say('/wait-for iris left #json 20');
    henry.say('bye all');
    henry.say('/nonsense');
    expect((await henry.end()).code).toBe(1);
    const at = expect.any(Number);
    const id = expect.any(Number);
    const lines = henry.json();
    expect(lines).toContainEqual({ event: 'live', id });
    const passing: unknown[] = ['live', 'online', 'offline'];
    expect(lines.filter(({ event }) => !passing.includes(event))).toEqual([
      { event: 'connection', state: 'connected', at, text: expect.stringContaining('henry') },
      { answer: 'login', ok: true, user: 'henry', rooms: [] },
      { answer: 'join', ok: true, room: '#json', id, users: [{ name: 'henry', online: true }] },
      { event: 'joined', id, at, room: '#json', user: 'iris' },
      { event: 'message', id, at, from: 'iris', to: '#json', text: 'a "quoted" line' },
      { event: 'left', id, at, room: '#json', user: 'iris' },
      { answer: 'wait-for', ok: true, lines: [] },
      { answer: 'send', ok: true, id, at, to: '#json', text: 'bye all' },
      { answer: 'unknown', ok: false, code: 'bad_line', text: expect.stringContaining('/nonsense') },
      { event: 'bye', code: 'quit', text: 'goodbye' },
    ]);
  });
});

describe('a script is refused', () => {
  it('names every flag that is missing', async () => {
    const bare = runProcess(process.execPath, [PARLEY, 'connect']);
    bare.child.stdin?.end();
    expect(await bare.exit()).toMatchObject({ code: 2 });
    for (const name of ['HOST', '--display', '--user', '--password-file'])
      expect(bare.stderr()).toContain(name);
  });

  it('a wrong password, and a name that is taken', async () => {
    await runScript([], as('kate', '--register'));
    expect(await runScript([], { ...as('kate'), password: 'not her password' })).toMatchObject({
      code: 77,
      stderr: 'unknown user or wrong password\n',
    });
    expect(await runScript([], as('KATE', '--register'))).toMatchObject({
      code: 77,
      stderr: 'that name is taken\n',
    });
  });

  it('a server that is not there', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => free.once('listening', resolve));
    const bound = free.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    await new Promise((resolve) => free.close(resolve));
    const { code, stderr } = await runScript([], { ...as('mona'), address: `127.0.0.1:${port}` });
    expect({ code, stderr }).toEqual({
      code: 69,
      stderr: `127.0.0.1:${port}: no server is listening there\n`,
    });
  });

  it('ends with 130 when interrupted', async () => {
    const nina = startScript(as('nina', '--register', '--json'));
    await nina.see('"answer":"login"');
    nina.child.kill('SIGINT');
    expect(await nina.exit()).toEqual({ code: 130, signal: null });
  });
});

describe('--open', () => {
  it('hands the display to the desktop’s opener, and outlives one that is missing', async () => {
    const bin = join(folder, 'bin');
    const seen = join(folder, 'opened');
    mkdirSync(bin);
    writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\nprintf %s "$1" > ${seen}\n`, { mode: 0o755 });
    const found = startScript({
      ...as('olga', '--register', '--open'),
      env: { PATH: `${bin}:/usr/bin:/bin` },
    });
    found.say('/wait 1');
    expect(await found.end()).toMatchObject({ code: 0 });
    expect(existsSync(seen) && readFileSync(seen, 'utf8')).toBe(`file://${found.display}`);
    writeFileSync(join(bin, 'xdg-open'), '#!/bin/sh\nexit 3\n', { mode: 0o755 });
    const failing = startScript({ ...as('olga', '--open'), env: { PATH: `${bin}:/usr/bin:/bin` } });
    expect(await failing.end()).toMatchObject({ code: 1 });
    expect(failing.stderr()).toMatch(
      /^cannot open the browser \(xdg-open: it exited with code 3\); open file:/,
    );
    const missing = startScript({ ...as('olga', '--open'), env: { PATH: join(folder, 'empty') } });
    expect(await missing.end()).toMatchObject({ code: 1 });
    expect(missing.stderr()).toMatch(/^cannot open the browser .*file:\/\/\S+olga\.html/);
  });
});

it('warns of a password file that others can read', async () => {
  const file = passwordFile(folder, 'secret of pete');
  writeFileSync(join(folder, 'pete.pw'), readFileSync(file), { mode: 0o644 });
  const pete = runProcess(process.execPath, [
    ...[PARLEY, 'connect', server.address, '--register', '--user', 'pete'],
    ...['--display', join(folder, 'pete'), '--password-file', join(folder, 'pete.pw')],
  ]);
  pete.child.stdin?.end();
  expect(await pete.exit()).toMatchObject({ code: 0 });
  expect(pete.stderr()).toMatch(/^parley: other users .* chmod 600/);
  expect(existsSync(join(folder, 'pete.html'))).toBe(true);
});
