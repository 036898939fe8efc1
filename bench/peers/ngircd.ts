/** ngIRCd: a small single-threaded IRC server in C. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ircWire } from '../../src/load/wires/irc.ts';
import { findProgram } from '../../test/support/program.ts';
import { IRC_LACKS, IRC_OFFERS, IRC_REMARK } from './irc-differences.ts';
import type { Peer } from './peer.ts';
import { freePort, startProgram, versionOf } from './program.ts';

export const ngircd: Peer = {
  name: 'ngIRCd',
  wire: ircWire,
  install: 'apt-get install -y --no-install-recommends ngircd',
  setup: 'no penalties for sending fast, no limit on connections per address, no DNS lookups',
  remark: IRC_REMARK,
  lacks: IRC_LACKS,
  offers: IRC_OFFERS,
  async version() {
    const program = findProgram('ngircd');
    return program === undefined ? undefined : versionOf(program, /ngIRCd (\d[\d.]*)/);
  },
  async start(folder) {
    const file = join(folder, 'ngircd.conf');
    const port = await freePort();
    writeFileSync(file, configuration(port));
    return startProgram(findProgram('ngircd') ?? 'ngircd', ['--nodaemon', '--config', file], {
      port,
      cwd: folder,
    });
  },
};

function configuration(port: number): string {
  return `[Global]
Name = ngircd.load.test
Info = for a load test
AdminEMail = nobody@localhost
Listen = 127.0.0.1
Ports = ${port}
MotdPhrase = for a load test

[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 31
MaxPenaltyTime = 0
PingTimeout = 600

[Options]
DNS = no
Ident = no
PAM = no
`;
}
