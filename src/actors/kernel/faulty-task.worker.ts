/** A task of a pool that fails as it is told, in place of the pool's own tasks. Only fault injection names this file. */

export { crashThread as default } from './fault-injection.ts';
