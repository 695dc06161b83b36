// Takes the place of src/ipc/connect.ts in `--mode demo`: the page talks to the in-memory server. Never in the shipped bundle.
import { fakeTransport } from './server';

export function connect() {
  return { transport: fakeTransport(), needsToken: false };
}
