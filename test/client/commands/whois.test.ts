import { expect, it } from 'vitest';
import { testFolder } from '../../support/folder.ts';
import { runScript, startScript } from '../../support/parley.ts';
import { ScriptedServer } from '../../support/scripted-server.ts';
import { startServer } from '../../support/server.ts';

const folder = testFolder();

it('/whois tells about a person, on a real server', async () => {
  const before = Date.now();
  const server = await startServer({ data: `${folder}/data`, args: ['--guests'] });
  const bob = startScript({ folder, user: 'bob', address: server.address, flags: ['--register'] });
  bob.say('/join tea');
  await bob.see('joined #tea');
  const gil = startScript({ folder, user: 'gil', address: server.address, flags: ['--guest'] });
  gil.say('/who');
  await gil.see('2 people online');
  const alice = { folder, user: 'alice', address: server.address, flags: ['--register'] };
  const lines = ['/join tea', '/join cake', '/whois @BOB', '/whois gil', '/whois bop', '/whois'];
  const told = await runScript(lines, alice);
  expect(told.stdout).toMatch(
    /^bob has been registered since 2\d{3}-\d\d-\d\d \d\d:\d\d\nonline since 2.*\nrooms you share: #tea$/m,
  );
  expect(told.stdout).toMatch(/^gil is a guest\nonline since 2.*\nyou share no room$/m);
  expect(told.stderr).toContain('there is no such user: did you mean bob?');
  expect(told.stderr).toContain('usage: /whois NAME');

  await bob.end();
  const script = startScript({ ...alice, flags: ['--json'] });
  script.say('/whois bob');
  await script.end();
  const answer = script.json().find((line) => line.answer === 'whois');
  expect(answer).toEqual({
    answer: 'whois',
    ok: true,
    user: 'bob',
    guest: false,
    onlineSince: null,
    registeredAt: expect.any(Number),
    rooms: ['#tea'],
  });
  // users.txt stores seconds.
  expect(Number(answer?.registeredAt)).toBeGreaterThan(before - 1_000);
  await gil.end();
  await server.stop();
});

it('/whois uses nothing of an answer that the protocol does not allow', async () => {
  const person = { user: 'bob', guest: false, onlineSince: null, registeredAt: 1, rooms: ['#tea'] };
  const malformed = [null, [], { ...person, user: '\u001b[2J' }, { ...person, rooms: ['tea'] }];
  for (const answer of [...malformed, { ...person, onlineSince: 'now' }]) {
    const server = await ScriptedServer.start(({ verb, id }, caller) => {
      if (verb === 'whois') caller.send(['ok', id, answer]);
      return verb === 'whois';
    });
    const told = await runScript(['/whois bob'], { folder, user: 'alice', address: server.address });
    expect(told.code).toBe(1);
    expect(told.stdout + told.stderr).not.toContain('registered');
  }
});
