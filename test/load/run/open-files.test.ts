/** What a run needs of the system: open files and ports. */

import { connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { checkPorts, sourceAddresses } from '../../../src/load/generator/source-addresses.ts';
import { checkOpenFiles, openFilesOf } from '../../../src/load/run/open-files.ts';
import { runProcess } from '../../support/process.ts';

const openFiles = new URL('../../../src/load/run/open-files.ts', import.meta.url).href;

/** Runs a shell command to its end and gives what it printed. */
async function shell(command: string): Promise<string> {
  const run = runProcess('sh', ['-c', command]);
  await run.exit();
  return run.stdout() + run.stderr();
}

describe.runIf(process.platform === 'linux')('open files', () => {
  it('are limited for Node by the hard limit: it raises the soft one', async () => {
    const script = `import(${JSON.stringify(openFiles)}).then((m) => console.log(JSON.stringify(m.openFilesOf())))`;
    const said = await shell(`ulimit -Sn 700; ulimit -Hn 1500; exec "${process.execPath}" -e '${script}'`);
    expect(JSON.parse(said)).toEqual({ soft: 1500, hard: 1500 });
  });

  it('are limited for the server by its own soft limit', async () => {
    const server = runProcess('sh', ['-c', 'ulimit -Sn 300; ulimit -Hn 900; echo up; exec sleep 60']);
    await new Promise((resolve) => server.child.stdout?.once('data', resolve));
    const serverPid = server.child.pid ?? 0;
    expect(openFilesOf(serverPid)).toEqual({ soft: 300, hard: 900 });
    expect(checkOpenFiles({ connections: 10, threads: 1, serverPid })).toEqual({ type: 'enough' });
    const checked = checkOpenFiles({ connections: 100, threads: 1, serverPid });
    const text = checked.type === 'too_few' ? checked.text : '';
    expect(text).toContain(`the server (process ${serverPid}) needs 356 open files`);
    expect(text).toContain('its limit is 300');
    server.child.kill();
    await server.exit();
  });

  it('are reported if too few, with a way to raise the limit', async () => {
    const script = `import(${JSON.stringify(openFiles)}).then((m) =>
      console.log(m.checkOpenFiles({ connections: 5_000_000, threads: 2 }).text))`;
    const said = await shell(`ulimit -n 1500; exec "${process.execPath}" -e '${script}'`);
    expect(said).toContain('this process needs 5000256 open files for this run, but its limit is 1500');
    expect(said).toContain('ulimit -n 5000256   (as root, because the hard limit is 1500)');
    expect(said).toContain('LimitNOFILE=5000256');
    expect(said).toContain('/etc/security/limits.conf');
    expect(said).toMatch(/sysctl -w fs.nr_open=5000256 {3}\(it is \d+ now\)/);
  });

  it('are unknown for a process that does not exist', () => {
    expect(openFilesOf(2 ** 30)).toBeUndefined();
    expect(checkOpenFiles({ connections: 10, threads: 1, serverPid: 2 ** 30 })).toEqual({ type: 'enough' });
  });
});

describe.runIf(process.platform === 'linux')('source addresses', () => {
  it('are as many as it takes, all of them this machine', () => {
    const from = sourceAddresses('127.0.0.1');
    expect(from(0)).toBe('127.0.0.1');
    const uses = new Map<string | undefined, number>();
    for (let index = 0; index < 1_000_000; index++) uses.set(from(index), (uses.get(from(index)) ?? 0) + 1);
    expect(uses.size).toBeGreaterThan(100);
    expect(Math.max(...uses.values())).toBeLessThan(28_000 / 4);
    // Far behind the last address of the network.
    for (let index = 0; index < 2 ** 40; index += 7_919 * 1_000_003) {
      const address = from(index) ?? '';
      expect(address).toMatch(/^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/);
      expect(['127.0.0.0', '127.255.255.255']).not.toContain(address);
    }
  });

  it('are what the server sees', async () => {
    const from = sourceAddresses('127.0.0.1')(10_000_000);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const seen = new Promise((resolve) =>
      server.once('connection', ({ remoteAddress }) => resolve(remoteAddress)),
    );
    const socket = connect({
      host: '127.0.0.1',
      port,
      ...(from === undefined ? {} : { localAddress: from }),
    });
    expect(await seen).toBe(from);
    socket.destroy();
    server.close();
  });

  it('are any for other hosts', () => {
    for (const host of ['::1', '10.0.0.1', 'localhost', 'chat.example']) {
      expect(sourceAddresses(host)(1_000_000)).toBeUndefined();
    }
  });
});

describe('ports', () => {
  it.runIf(process.platform === 'linux')('do not run out to 127.0.0.1', () => {
    expect(checkPorts('127.0.0.1', 1_000_000)).toEqual({ type: 'enough' });
  });

  it('are reported if too few, with a remedy', () => {
    expect(checkPorts('::1', 500)).toEqual({ type: 'enough' });
    const six = checkPorts('::1', 100_000);
    expect(six.type === 'too_few' && six.text).toMatch(/^100000 connections to ::1 .*127\.0\.0\.1/);
    const far = checkPorts('10.0.0.1', 100_000);
    expect(far.type === 'too_few' && far.text).toMatch(/several machines/);
  });
});
