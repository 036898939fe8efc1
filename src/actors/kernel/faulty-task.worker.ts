/** A pool task that fails as ordered, in place of the pool's own task. Only fault injection refers to this file. */

export { crashThread as default } from './fault-injection.ts';
