/** Types for comlink's Node adapter: Node's module resolution finds none in the package. */
declare module 'comlink/dist/esm/node-adapter.mjs' {
  import type { MessagePort, Worker } from 'node:worker_threads';
  import type { Endpoint } from 'comlink';
  export default function nodeEndpoint(endpoint: MessagePort | Worker): Endpoint;
}
