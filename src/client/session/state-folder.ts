/** Where the client keeps persistent state, following the XDG Base Directory Specification. */

import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { foldName } from '../../chat/names.ts';
import { type Address, formatAddress } from '../../common/address.ts';

/**
 * The `parley` folder in the state folder. A relative path in the environment is ignored, as the specification demands.
 */
export function stateFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { XDG_STATE_HOME: state = '', LOCALAPPDATA: local = '' } = environment;
  if (isAbsolute(state)) return join(state, 'parley');
  if (process.platform === 'win32' && isAbsolute(local)) return join(local, 'parley');
  return join(homedir(), '.local', 'state', 'parley');
}

/** The folder of one account at one server. No two accounts share a folder, and no name can escape it. */
export function accountFolder(address: Address, user: string, state: string = stateFolder()): string {
  return join(state, encodeURIComponent(formatAddress(address)), foldName(user));
}
