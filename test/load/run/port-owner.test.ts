import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { portOwnerOf } from '../../../src/load/run/port-owner.ts';
import { testFolder } from '../../support/folder.ts';
import { type RunningProcess, runProcess, until } from '../../support/process.ts';

const folder = testFolder();
const running: RunningProcess[] = [];
afterAll(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await Promise.all(running.map(({ exit }) => exit()));
});

/** A process that listens there and prints its port. */
async function listen(host: string, port = 0): Promise<{ pid: number; port: number }> {
  return start(`
    const server = require('node:net').createServer();
    server.listen(${port}, ${JSON.stringify(host)}, () => console.log(server.address().port));
  `);
}

async function start(script: string): Promise<{ pid: number; port: number }> {
  // A file, because processes that a cluster forks run it again.
  const file = `${folder}/${running.length}.cjs`;
  writeFileSync(file, script);
  const process_ = runProcess(process.execPath, [file]);
  running.push(process_);
  const port = await until(
    'a port',
    () => Number(/^(\d+)\n/.exec(process_.stdout())?.[1] ?? 0) || undefined,
    {
      state: process_.stderr,
    },
  );
  return { pid: process_.child.pid ?? 0, port };
}

describe.runIf(process.platform === 'linux')('the listener of a port', () => {
  it.each([
    ['127.0.0.1', ['127.0.0.1', 'localhost', '::ffff:127.0.0.1'], ['::1', '127.0.0.2']],
    ['0.0.0.0', ['127.0.0.1', '127.9.9.9', 'localhost'], ['::1']],
    ['::1', ['::1', '0:0:0:0:0:0:0:1', 'localhost'], ['127.0.0.1']],
    ['::', ['::1', '127.0.0.1', 'localhost'], []],
  ])('at %s is found by the addresses that get to it', async (host, found, missed) => {
    const { pid, port } = await listen(host);
    for (const address of found)
      expect([address, portOwnerOf({ host: address, port })]).toEqual([address, pid]);
    for (const address of missed)
      expect([address, portOwnerOf({ host: address, port })]).toEqual([address, undefined]);
  });

  it('is the process bound to the exact address, even if another is bound to all addresses', async () => {
    const narrow = await listen('127.0.0.7');
    const wide = await listen('127.0.0.1', narrow.port);
    expect(portOwnerOf({ host: '127.0.0.7', port: narrow.port })).toBe(narrow.pid);
    expect(portOwnerOf({ host: '127.0.0.1', port: narrow.port })).toBe(wide.pid);
  });

  it('is the common ancestor of all processes that hold the port', async () => {
    const { pid, port } = await start(
      `
      const cluster = require('node:cluster');
      cluster.schedulingPolicy = cluster.SCHED_NONE;
      if (cluster.isPrimary) {
        let port;
        for (let count = 0; count < 2; count++) cluster.fork().on('message', (bound) => {
          if (port === bound) console.log(bound);
          port = bound;
        });
      } else {
        const server = require('node:net').createServer();
        server.listen(0, '127.0.0.1', () => process.send(server.address().port));
      }
    `,
    );
    expect(portOwnerOf({ host: '127.0.0.1', port })).toBe(pid);
  });

  it('is unknown for an unused port, a host name, or another machine', () => {
    expect(portOwnerOf({ host: '127.0.0.1', port: 1 })).toBeUndefined();
    expect(portOwnerOf({ host: 'chat.example', port: 80 })).toBeUndefined();
    expect(portOwnerOf({ host: '192.0.2.1', port: 80 })).toBeUndefined();
  });
});
