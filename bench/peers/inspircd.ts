/** InspIRCd: a large IRC server in C++ that serves its clients on one thread. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ircWire } from '../../src/load/wires/irc.ts';
import { findProgram } from '../../test/support/program.ts';
import { IRC_LACKS, IRC_OFFERS, IRC_REMARK } from './irc-differences.ts';
import type { Peer } from './peer.ts';
import { freePort, startProgram, versionOf } from './program.ts';

export const inspircd: Peer = {
  name: 'InspIRCd',
  wire: ircWire,
  install: 'apt-get install -y --no-install-recommends inspircd',
  setup:
    'no fake lag, no command rate limit, no limit on connections per address, no DNS lookups, a send buffer of 64 MB, only the core modules',
  remark: IRC_REMARK,
  lacks: IRC_LACKS,
  offers: [...IRC_OFFERS, 'has many modules for additional features'],
  async version() {
    const program = findProgram('inspircd');
    return program === undefined ? undefined : versionOf(program, /InspIRCd-(\d[\d.]*)/);
  },
  async start(folder, env) {
    const file = join(folder, 'inspircd.conf');
    const port = await freePort();
    writeFileSync(file, configuration(port, folder));
    // InspIRCd refuses to run as root without this flag.
    const asRoot = process.getuid?.() === 0 ? ['--runasroot'] : [];
    const args = ['--nofork', '--config', file, ...asRoot];
    return startProgram(findProgram('inspircd') ?? 'inspircd', args, { port, cwd: folder, env });
  },
};

function configuration(port: number, folder: string): string {
  return `<server name="inspircd.load.test" description="for a load test" network="load">
<admin name="nobody" nick="nobody" email="nobody@localhost">
<bind address="127.0.0.1" port="${port}" type="clients">
<connect name="all" allow="*" timeout="60" pingfreq="10m" threshold="1000000" commandrate="1000000000" fakelag="no"
  hardsendq="64M" softsendq="32M" recvq="1M" localmax="1000000" globalmax="1000000" limit="1000000" maxchans="1000"
  maxconnwarn="no" resolvehostnames="no" useident="no">
<performance netbuffersize="65534" somaxconn="4096" softlimit="1000000" clonesonconnect="no" quietbursts="yes">
<limits maxnick="32" maxchan="64" maxident="11">
<path datadir="${folder}" logdir="${folder}" runtimedir="${folder}">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="inspircd.log">
<pid file="${join(folder, 'inspircd.pid')}">
`;
}
