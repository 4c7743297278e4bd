import react from '@vitejs/plugin-react';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Each file also compressed beside it, once and well: the server sends what the browser takes (plugins/web-ui.ts). */
function precompressed(): Plugin {
  return {
    name: 'precompressed',
    async writeBundle({ dir = '' }, bundle) {
      for (const [name, file] of Object.entries(bundle)) {
        if (!/^assets\/.*\.(?:js|css|svg)$/.test(name)) continue;
        const content = Buffer.from(file.type === 'chunk' ? file.code : file.source);
        await writeFile(join(dir, `${name}.gz`), gzipSync(content, { level: 9 }));
        await writeFile(join(dir, `${name}.br`), brotliCompressSync(content));
      }
    },
  };
}

export default defineConfig({
  root: 'web',
  plugins: [react(), precompressed()],
  // The server puts a fresh nonce here for each visit (plugins/web-ui.ts).
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    // Which file needs which, for the test of their size; it is not served.
    manifest: true,
    // Inlined files would be data: URLs, which the page's policy refuses for fonts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  server: {
    // `npx vite` for work on the UI, beside a running server.
    proxy: { '/api': 'http://127.0.0.1:3000' },
  },
});
