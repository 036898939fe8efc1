#!/usr/bin/env node
// Plain old JavaScript that every Node can parse: one that is too old is told so, where src/ would only fail to load.
var wanted = [24, 15];
var version = process.versions.node.split('.').map(Number);

if (version[0] < wanted[0] || (version[0] === wanted[0] && version[1] < wanted[1])) {
  console.error(
    'parley needs Node ' +
      wanted.join('.') +
      ' or later, and this is ' +
      process.versions.node +
      '.\n' +
      'Get a current one from https://nodejs.org/, or start parley through npm in its own folder,\n' +
      'which brings one along: "npm start" for the server, "npx parley connect" for the client.',
  );
  process.exit(1);
}

require('./start.mjs').start();
