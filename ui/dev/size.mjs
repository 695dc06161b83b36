// The budget of the shipped page: at most 150 KiB of JavaScript, gzipped, all chunks together.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const LIMIT = 150 * 1024;
const folder = new URL('../dist/assets/', import.meta.url);
const total = readdirSync(folder)
  .filter((name) => name.endsWith('.js'))
  .reduce((sum, name) => sum + gzipSync(readFileSync(new URL(name, folder))).length, 0);
console.log(`JavaScript: ${(total / 1024).toFixed(1)} KiB gzipped of ${LIMIT / 1024} KiB`);
process.exitCode = total <= LIMIT ? 0 : 1;
