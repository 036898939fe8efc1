/** Unambiguous names of conversations: `#room`, `@user`. The server knows a user by the bare name. */

export function isExplicit(name: string): boolean {
  return name.startsWith('#') || name.startsWith('@');
}

/** For a room or a user, as the server spells it. */
export function explicitName(name: string): string {
  return name.startsWith('#') ? name : `@${name}`;
}

export function plainName(name: string): string {
  return name.startsWith('@') ? name.slice(1) : name;
}
