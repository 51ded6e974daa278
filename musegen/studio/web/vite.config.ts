import preact from '@preact/preset-vite';
import { defineConfig } from 'vite';

// What users get is ../page: it rides in the wheel, and is the same bytes for the same sources.
export default defineConfig({
  plugins: [preact()],
  base: './',
  resolve: { alias: { 'stb-vorbis': '/src/sound/no-vorbis.ts' } },
  build: { outDir: '../page', emptyOutDir: true, sourcemap: false, target: 'es2022' },
});
