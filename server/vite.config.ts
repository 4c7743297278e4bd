import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: 'web',
  plugins: [react()],
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
