#!/usr/bin/env node
// Plain old JavaScript that every Node can parse: one that is too old is told so, where src/ would only fail to load.
// biome-ignore lint/style/useNodejsImportProtocol: Node 12 and older do not know it
var fs = require('fs');

var wanted = [24, 15];
var version = process.versions.node.split('.').map(Number);
var folder = __dirname.replace(/[\\/]bin$/, '');

/** Where a Node that is new enough comes from: `npm install` puts one into a checkout, but not into the published package. */
function advice() {
  if (fs.existsSync(folder + '/node_modules/node')) {
    return 'A current one is in ' + folder + ' already: start parley with "npm start" or "./parley" there.';
  }
  if (fs.existsSync(folder + '/src')) {
    return (
      'Run "npm install" in ' +
      folder +
      ', which brings a current one along for this folder only, then try again.'
    );
  }
  return 'Get a current one from https://nodejs.org/.';
}

if (version[0] < wanted[0] || (version[0] === wanted[0] && version[1] < wanted[1])) {
  console.error(
    'parley needs Node ' +
      wanted.join('.') +
      ' or later, and this is ' +
      process.versions.node +
      '.\n' +
      advice(),
  );
  process.exit(1);
}

require('./start.mjs').start();
