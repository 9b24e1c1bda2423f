/** The system's Chromium for tests of pages: `CHROMIUM_PATH`, or where distributions put it. Nothing is downloaded. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const USUAL_PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
];

/** Null where there is none: tests are then skipped, loudly, and fail with `CI=true`. */
export const CHROMIUM_PATH: string | null =
  process.env['CHROMIUM_PATH'] ?? USUAL_PATHS.find((path) => existsSync(path)) ?? null;

/** `host` is answered by this machine, whatever it is: so that a page cannot know that it is at home. */
export function launchChromium(host: string): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM_PATH ?? '',
    args: ['--no-sandbox', '--disable-dev-shm-usage', `--host-resolver-rules=MAP ${host} 127.0.0.1`],
  });
}
