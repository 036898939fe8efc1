import { beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../support/client.ts';
import { testFolder } from '../../support/folder.ts';
import { runScript } from '../../support/parley.ts';
import { sharedServer } from '../../support/server-runs.ts';

const folder = testFolder();
const server = sharedServer();
let bob: TestClient;

/** Ada is in #tea, where there is no person of that name, and in #cake, where there is one. Bob has never met her. */
beforeAll(async () => {
  bob = await TestClient.register(server.address, 'Bob');
  await TestClient.register(server.address, 'cake');
  await bob.ok('join', '#lounge');
});

let users = 0;

/** What the client answers to each of the lines, of somebody who is in #Tea and #cake. */
async function answers(
  ...lines: string[]
): Promise<{ readonly lines: string[]; readonly code: number | null }> {
  users += 1;
  const user = `ada${users}`;
  const options = { folder, user, address: server.address };
  const first = await runScript(['/join Tea', '/join cake'], { ...options, flags: ['--register'] });
  expect(first.code).toBe(0);
  const { stdout, code } = await runScript(lines, { ...options, flags: ['--json'] });
  const said = stdout.split('\n').filter((line) => line.includes('"answer"') && !line.includes('"login"'));
  return { lines: said, code };
}

async function answer(line: string): Promise<Record<string, unknown>> {
  const { lines } = await answers(line);
  return JSON.parse(lines[0] ?? '{}');
}

describe('a name without "#"', () => {
  it.each([
    ['/to tea', { ok: true, to: '#Tea' }],
    ['/to TEA', { ok: true, to: '#Tea' }],
    ['/to #tea', { ok: true, to: '#Tea' }],
    ['/to cake', { ok: true, to: '#cake' }],
    ['/to @cake', { ok: true, to: 'cake' }],
    ['/history tea', { ok: true, with: '#Tea' }],
    ['/history cake', { ok: true, with: '#cake' }],
    ['/history @cake', { ok: true, with: 'cake' }],
    ['/search in:tea kettle', { ok: true, in: '#Tea' }],
    ['/search in:@cake kettle', { ok: true, in: 'cake' }],
    ['/msg tea hello', { ok: true, to: '#Tea' }],
    ['/msg @cake hello', { ok: true, to: 'cake' }],
    ['/msg #cake hello', { ok: true, to: '#cake' }],
    ['/leave tea', { ok: true, room: '#tea' }],
    ['/who tea', { ok: true, room: '#tea' }],
  ])('is a room that one is in: %s', async (line, expected) => {
    expect(await answer(line)).toMatchObject(expected);
  });

  it('is nobody when what is said might go to a room instead of a person', async () => {
    expect(await answer('/msg cake just for you')).toMatchObject({
      ok: false,
      text: expect.stringMatching(/cake may be a person or your room #cake; type @cake or #cake/),
    });
  });

  it('is a person elsewhere, and is shown as it was registered', async () => {
    expect(await answer('/to BOB')).toMatchObject({ ok: true, to: 'Bob' });
    expect(await answer('/msg bob hello')).toMatchObject({ ok: true });
  });
});

describe('a name that is neither', () => {
  it.each([
    ['/to teaa', /there is no user teaa, and you are in no room #teaa: did you mean #Tea\?/],
    ['/to lounge', /there is no user lounge, and you are in no room #lounge; \/join lounge joins it/],
    ['/to zzzz', /there is no user zzzz, and you are in no room #zzzz$/],
    ['/to #lounge', /you are not in #lounge; \/join #lounge joins it/],
    ['/to #teaa', /you are not in #teaa: did you mean #Tea\?/],
    ['/to @tea', /there is no user tea/],
    ['/history teaa', /there is no such user: did you mean #Tea\?/],
    ['/search in:#teaa kettle', /no such room: did you mean #Tea\?/],
    ['/msg teaa hello', /not sent to teaa: there is no such user: did you mean #Tea\?/],
    ['/msg #caek hello', /not sent to #caek: .*: did you mean #cake\?/],
    ['/leave teaa', /did you mean #Tea\?/],
    ['/who caek', /did you mean #cake\?/],
  ])('is refused: %s', async (line, text) => {
    expect(await answer(line)).toMatchObject({ ok: false, text: expect.stringMatching(text) });
  });

  it('leaves the current conversation what it was', async () => {
    const { lines, code } = await answers('/to tea', '/to nobody.there', 'to the room');
    expect(JSON.parse(lines[2] ?? '{}')).toMatchObject({ ok: true, to: '#Tea', text: 'to the room' });
    expect(code).toBe(1);
  });
});

it('a room that was joined or left elsewhere counts', async () => {
  const dan = await TestClient.register(server.address, 'dan');
  const options = { folder, user: 'dan', address: server.address, flags: ['--json'] };
  await dan.ok('join', '#den');
  const { stdout } = await runScript(
    ['/to den', '/msg dan joined', '/wait-for "joined" 0', '/to den'],
    options,
  );
  expect(stdout).toContain('"to":"#den"');
  dan.close();
});
