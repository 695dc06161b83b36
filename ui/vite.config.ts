/// <reference types="vitest/config" />
// How the window's page is built. In `--mode demo` the page talks to an in-memory server (dev/) instead of the program:
// that code is reachable by this alias only and so never part of the shipped bundle.
import { fileURLToPath } from 'node:url';
import { svelte, vitePreprocess } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig(({ mode }) => ({
  base: './',
  plugins: [svelte({ preprocess: vitePreprocess({ script: false }) })],
  resolve: {
    alias: [
      { find: '$connect', replacement: at(mode === 'demo' ? './dev/connect.ts' : './src/ipc/connect.ts') },
      { find: /^\$\//, replacement: `${at('./src')}/` },
    ],
    ...(mode === 'test' ? { conditions: ['browser'] } : {}),
  },
  build: {
    target: ['es2022', 'safari16'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    reportCompressedSize: true,
  },
  test: { environment: 'jsdom', include: ['tests/**/*.test.ts'], restoreMocks: true },
}));
