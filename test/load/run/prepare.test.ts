import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareAccounts } from '../../../src/load/run/prepare.ts';
import { accountName, DEFAULT_PASSWORD } from '../../../src/load/scenario/account.ts';
import { TestClient } from '../../support/client.ts';
import { testFolder } from '../../support/folder.ts';
import { runProcess } from '../../support/process.ts';
import { PARLEY, startServer } from '../../support/server.ts';

const folder = testFolder();
const module = new URL('../../../src/load/run/prepare.ts', import.meta.url).href;
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('prepared accounts', () => {
  it.each(['usual', 'cheap'] as const)(
    'of %s cost log in to a real server, and no other password does',
    async (cost) => {
      const data = join(folder, cost);
      expect(await prepareAccounts({ data, users: 100, cost })).toEqual({
        type: 'prepared',
        file: `${data}/users.txt`,
      });
      if (process.platform !== 'win32')
        expect([mode(data), mode(`${data}/users.txt`)]).toEqual(['700', '600']);
      const server = await startServer({ data, args: ['--workers', '1'] });
      const numbers = Array.from({ length: 100 }, (_, index) => index + 1);
      const clients = await Promise.all(
        numbers.map((number) => TestClient.login(server.address, accountName(number), DEFAULT_PASSWORD)),
      );
      const stranger = await TestClient.connect(server.address);
      expect(await stranger.refused('login', 'load-1', 'parley-load-tests')).toBe('wrong_credentials');
      expect(await stranger.refused('login', 'load-101', DEFAULT_PASSWORD)).toBe('wrong_credentials');
      for (const client of [...clients, stranger]) client.close();
      expect((await server.stop()).code).toBe(0);
      expect(server.stderr()).not.toMatch(/"level":[45]0/);
    },
  );

  it("have passwords that cost as much as the server's, or the minimum", async () => {
    const hashOf = (data: string): string => readFileSync(`${data}/users.txt`, 'utf8').split(' ')[4] ?? '';
    await prepareAccounts({ data: join(folder, 'costly'), users: 1 });
    await prepareAccounts({ data: join(folder, 'least'), users: 1, cost: 'cheap' });
    expect(hashOf(join(folder, 'costly'))).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(hashOf(join(folder, 'least'))).toMatch(/^\$argon2id\$v=19\$m=8,t=1,p=1\$/);
  });

  it('can be a million, created in seconds with little memory', async () => {
    const data = join(folder, 'million');
    const script = `import(${JSON.stringify(module)}).then(async ({ prepareAccounts }) => {
      const before = process.resourceUsage().maxRSS;
      await prepareAccounts({ data: ${JSON.stringify(data)}, users: 1_000_000 });
      console.log((process.resourceUsage().maxRSS - before) / 1_024);
    })`;
    const begin = performance.now();
    const run = runProcess(process.execPath, ['-e', script]);
    await run.exit(50_000);
    expect(run.stderr()).toBe('');
    expect(performance.now() - begin).toBeLessThan(30_000);
    // The file has 130 MB; hashing once takes 19.
    expect(Number(run.stdout())).toBeLessThan(100);
    const lines = readFileSync(`${data}/users.txt`, 'latin1');
    expect(lines.slice(-60)).toMatch(/Z\n$/);
    expect(lines.lastIndexOf('\nload-1000000 ')).toBeGreaterThan(100 * 1_000_000);
  });

  it('are not created where a server runs or has run', async () => {
    const data = join(folder, 'taken');
    await prepareAccounts({ data, users: 2, cost: 'cheap' });
    const before = readFileSync(`${data}/users.txt`, 'utf8');
    const again = await prepareAccounts({ data, users: 3, cost: 'cheap' });
    expect(again).toMatchObject({
      type: 'refused',
      text: expect.stringMatching(/users\.txt already exists/),
    });
    expect(readFileSync(`${data}/users.txt`, 'utf8')).toBe(before);
    const used = join(folder, 'used');
    const server = await startServer({ data: used, args: ['--workers', '1'] });
    const inUse = await prepareAccounts({ data: used, users: 3, cost: 'cheap' });
    await server.kill();
    expect(inUse).toMatchObject({
      type: 'refused',
      text: expect.stringMatching(/chat\.db already exists/),
    });
    expect(existsSync(`${used}/users.txt`)).toBe(false);
  });

  it('leave nothing behind if they cannot be written', async () => {
    writeFileSync(`${folder}/file`, '');
    const refused = await prepareAccounts({ data: `${folder}/file/data`, users: 1, cost: 'cheap' });
    expect(refused).toMatchObject({ type: 'refused', text: expect.stringContaining('cannot be used') });
  });
});

describe('parley load prepare', () => {
  async function prepare(...args: readonly string[]) {
    const program = runProcess(process.execPath, [PARLEY, 'load', 'prepare', ...args]);
    const { code } = await program.exit();
    return { code, out: program.stdout(), err: program.stderr() };
  }

  it('says what it created and what to do next, and warns not to use the folder for a real server', async () => {
    const data = join(folder, 'told');
    const args = ['--data', data, '--users', '7', '--cheap'];
    const { code, out, err } = await prepare(...args);
    expect(code).toBe(0);
    expect(out).toContain(`wrote ${data}/users.txt: 7 accounts, load-1 to load-7`);
    expect(out).toContain(DEFAULT_PASSWORD);
    expect(out).toContain(`parley serve --data ${data}`);
    expect(err).toContain('never use this folder for a real server');
    const again = await prepare(...args);
    expect([again.code, again.err]).toEqual([1, expect.stringMatching(/^parley: .*already exists/)]);
  });

  it('reads the password from a file and does not print it', async () => {
    const data = join(folder, 'with-file');
    writeFileSync(`${folder}/password`, 'long enough\nignored\n', { mode: 0o600 });
    const { code, out, err } = await prepare(
      ...['--data', data, '--users', '1', '--password-file', `${folder}/password`],
    );
    expect([code, out + err]).toEqual([0, expect.not.stringContaining('long enough')]);
    const server = await startServer({ data, args: ['--workers', '1'] });
    (await TestClient.login(server.address, 'load-1', 'long enough')).close();
    await server.stop();
  });

  it('refuses a password that the server would refuse, and creates nothing', async () => {
    writeFileSync(`${folder}/short`, 'short\n', { mode: 0o600 });
    const before = readdirSync(folder);
    const { code, out, err } = await prepare(
      ...['--data', join(folder, 'none'), '--users', '1', '--password-file', `${folder}/short`],
    );
    expect([code, out]).toEqual([2, '']);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(readdirSync(folder)).toEqual(before);
  });
});
