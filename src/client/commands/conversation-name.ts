/** Names of conversations that leave no doubt: `#room`, `@person`. The server knows a person by the bare name. */

export function isExplicit(name: string): boolean {
  return name.startsWith('#') || name.startsWith('@');
}

/** Of a room or a person, as the server spells it. */
export function explicitName(name: string): string {
  return name.startsWith('#') ? name : `@${name}`;
}

export function plainName(name: string): string {
  return name.startsWith('@') ? name.slice(1) : name;
}
